"""report.html: what a run found, on one page that needs no network and no script."""

import contextlib
import logging
import os
import urllib.parse

from bertline.common import html_page
from bertline.training.evaluation import result_files
from bertline.training.reporting.page import bootstrap, of_answers, of_classes, of_numbers, of_tags, run_facts
from bertline.training.reporting.page.parts import Markup, escape, number, paragraph, section, table
from bertline.training.reporting.page.style import STYLE

NAME = "report.html"
# What labels say that a report of them draws -> module with `sections`.
_KINDS = {"classes": of_classes, "numbers": of_numbers, "tags": of_tags, "answers": of_answers}


@contextlib.contextmanager
def never_in_the_way():
    """What fails inside is a warning: a report is the last thing that a run does, and all its other files are there."""
    try:
        yield
    except Exception as error:  # whatever it may be
        logging.warning("%s is not written: %s", NAME, error)


def save(output_dir, lines):
    """Writes the page. lines: of `page`."""
    result_files.write_lines(os.path.join(output_dir, NAME), lines)


def page(output_dir, run, splits, label_counts, evaluated, colours):
    """Yields the lines of the page.

    Args:
      output_dir: of metrics.csv.
      run: a RunFacts. splits, label_counts: of `run_facts.data`.
      evaluated: list of bertline.training.evaluation.evaluated.Evaluated, one of each split.
      colours: a Colours, of the rows that are shown.
    """
    kinds = {id(one): _KINDS.get(one.labels.report) for one in evaluated}
    styles = dict.fromkeys(getattr(kind, "STYLE", "") for kind in kinds.values())
    yield html_page.begin("Report", "".join([STYLE, *styles]))
    yield run_facts.heading(run)
    yield scores({one.split: one for one in evaluated})
    for one in evaluated:
        if kinds[id(one)]:
            yield from kinds[id(one)].sections(one, colours)
    yield run_facts.data(splits, label_counts)
    yield run_facts.curves(output_dir)
    yield run_facts.settings(run)
    yield html_page.END


def page_of_tasks(output_dir, run, splits, evaluated):
    """Yields the lines of the page of several tasks; each has a page of its own, in its folder.

    Args:
      output_dir, run, splits: of `page`.
      evaluated: name of a task -> (split -> Evaluated).
    """
    yield html_page.begin("Report", STYLE)
    yield run_facts.heading(run)
    for task, of_splits in evaluated.items():
        address = escape(f"{urllib.parse.quote(task)}/{NAME}")
        link = Markup(f'<p><a href="{address}">errors, classes and calibration of {escape(task)}</a></p>')
        yield scores(of_splits, f"Scores of {task}", link, is_explained=task == list(evaluated)[-1])
    yield run_facts.data(splits, {})
    yield run_facts.curves(output_dir)
    yield run_facts.settings(run)
    yield html_page.END


def scores(evaluated, title="Scores", link="", is_explained=True):
    """The section of scores.

    Args:
      evaluated: name of a split -> Evaluated. link: Markup beside it.
      is_explained: whether it says what the intervals are.
    """
    found, fewest = {}, bootstrap.DRAWS
    for split, one in evaluated.items():
        found[split], draws = bootstrap.intervals(one.scores)
        fewest = min(fewest, draws)
    header = ["score"]
    for split, one in evaluated.items():
        header += [f"{split} ({len(one.golds):,})", "95 % interval"]
    names = dict.fromkeys(name for one in evaluated.values() for name in one.results)
    rows = [[name, *(cell for s, one in evaluated.items() for cell in _cells(name, one, found[s]))] for name in names]
    method = (
        f"Intervals: percentiles of the scores of {fewest:,} samples of the rows, drawn with replacement (bootstrap, "
        f"seed {bootstrap.SEED}). They say what other rows would change, and nothing of other seeds of the training."
    )
    return section(title, table(header, rows), link, paragraph(method) if is_explained else "")


def _cells(name, evaluated, intervals):
    value, interval = evaluated.results.get(name), intervals.get(name)
    if value is None:
        return "–", "–"
    said = "–" if interval is None else " to ".join(number(end, value) for end in interval)
    return number(value), said
