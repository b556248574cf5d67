"""comparison.html: scores, settings that differ, tests of significance and curves of runs; needs no network."""

import base64
import html

from bertline.common import html_page
from bertline.training.comparing import comparison_tables
from bertline.training.pictures import curves, figures

_STYLE = """.wide { overflow-x: auto; margin: .75rem 0; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { border-bottom: 1px solid var(--line); padding: .3rem 1rem .3rem 0; text-align: left; vertical-align: top;
  white-space: nowrap; }
th { font-weight: 600; }
th[scope="row"] { white-space: normal; overflow-wrap: break-word; max-width: 20rem; }
h2 { font-size: 1.15rem; margin: 1.75rem 0 .25rem; }
img { max-width: 100%; height: auto; background: #fff; }
"""


def page(runs, settings, tests, num_resamples, confidence):
    """Yields the lines of the page.

    Args:
      runs: list of ComparedRun. settings: name -> value of each run, of those that differ. tests: list of Test.
      num_resamples, confidence: of the bootstrap.
    """
    yield html_page.begin("Comparison of runs", _STYLE)
    yield f'<p class="where">{html.escape(", ".join(run.folder for run in runs))}</p>'
    yield "<h2>Scores</h2>"
    yield from _table(comparison_tables.score_rows(runs))
    yield "<h2>Settings that differ</h2>"
    if settings:
        rows = [[name, *map(comparison_tables.setting_cell, values)] for name, values in settings.items()]
        yield from _table([["", *(run.name for run in runs)], *rows])
    else:
        yield "<p>All settings are the same.</p>"
    yield "<h2>Is the difference more than chance?</h2>"
    yield from _significance(comparison_tables.significance_rows(tests, confidence), runs, tests, num_resamples)
    yield from _curves(runs)
    yield html_page.END


def _significance(rows, runs, tests, num_resamples):
    if not tests:
        yield "<p>Not tested: not all folders have predictions of rows with labels.</p>"
        return
    yield (
        f"<p>Each run against {html.escape(runs[0].name)}, on the same {tests[0].num_rows:,} rows. The interval is "
        f"that of {num_resamples:,} paired bootstrap samples. A small p says that other rows would seldom reverse the "
        "order of these two trained models; other seeds may differ by more.</p>"
    )
    yield from _table(rows)


def _curves(runs):
    tables = {run.name: run.curves for run in runs if run.curves}
    if not tables:
        return

    def make(names):
        return curves.make_figure(dict(zip(names, tables.values())))

    png = figures.to_png(lambda: figures.in_fonts_for(list(tables), make, "the curves", "comparison.tsv"))
    picture = base64.b64encode(png).decode()
    yield "<h2>Curves</h2>"
    yield f'<p><img alt="losses and scores by step" src="data:image/png;base64,{picture}"></p>'


def _table(rows):
    header, *body = [[html.escape(cell) for cell in row] for row in rows]
    yield '<div class="wide"><table><thead><tr>'
    yield "".join(f'<th scope="col">{cell}</th>' for cell in header)
    yield "</tr></thead><tbody>"
    for first, *others in body:
        yield f'<tr><th scope="row">{first}</th>{"".join(f"<td>{cell}</td>" for cell in others)}</tr>'
    yield "</tbody></table></div>"
