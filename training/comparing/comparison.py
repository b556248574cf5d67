"""The comparison of run folders: tables on the screen, comparison.tsv, significance.tsv and comparison.html."""

import dataclasses
import logging
import os

from bertline.common import table_lines
from bertline.training.comparing import compared_run, comparison_page, comparison_tables
from bertline.training.evaluation import result_files

TABLE, SIGNIFICANCE, PAGE = "comparison.tsv", "significance.tsv", "comparison.html"


@dataclasses.dataclass(frozen=True)
class Test:
    """Of one run against the first.

    Attributes:
      name: of the run.
      differences: name of a score -> significance.Difference.
      disagreement: a significance.Disagreement; None where rows are not right or wrong.
      num_rows: int.
    """

    name: str
    differences: dict
    disagreement: object
    num_rows: int


def compare(folders, output_dir, num_resamples=1000, confidence=0.95, seed=1):
    """Reads, compares and writes.

    Raises:
      InputError: a folder is not of a run, or of another task or other rows than the first.
    """
    runs = compared_run.read_all(folders)
    compared_run.check_same_task(runs)
    tests = _tests(runs, num_resamples, confidence, seed)
    settings = compared_run.different_settings(runs)
    scores, significance = comparison_tables.score_rows(runs), comparison_tables.significance_rows(tests, confidence)
    print(table_lines.align(scores))
    rows = [
        ["setting", *(run.name for run in runs)],
        *([name, *map(comparison_tables.setting_cell, values)] for name, values in settings.items()),
    ]
    print("\nSettings that differ:" if settings else "\nAll settings are the same.")
    print(table_lines.align(rows) if settings else "", end="\n" if settings else "")
    result_files.write_lines(os.path.join(output_dir, TABLE), map(table_lines.line, [*_transpose(scores), *rows[1:]]))
    if tests:
        print(f"\nAgainst {runs[0].name}, on the same {tests[0].num_rows} rows:\n{table_lines.align(significance)}")
        result_files.write_lines(os.path.join(output_dir, SIGNIFICANCE), map(table_lines.line, significance))
    page = comparison_page.page(runs, settings, tests, num_resamples, confidence)
    result_files.write_lines(os.path.join(output_dir, PAGE), page)
    print(f"written: {os.path.join(output_dir, PAGE)}")


def _transpose(rows):
    return [list(column) for column in zip(*rows)]


def _tests(runs, num_resamples, confidence, seed):
    """The Test of each run but the first; [] where predictions of labelled rows are not in all folders."""
    without = [run.folder for run in runs if run.predicted is None]
    if without:
        logging.warning(
            "%s: no predictions.tsv, .csv or .jsonl of rows with labels, so no test of significance; run it with "
            "--do_predict on rows that have labels, or with --num_folds",
            ", ".join(without),
        )
        return []
    from bertline.training.comparing import significance

    first, *others = runs
    golds = first.predicted.golds
    if len(golds) < 2:
        logging.warning("one row alone is predicted: no test of significance")
        return []
    found = []
    for run in others:
        pair = first.predicted.answers, run.predicted.answers
        differences = {
            name: significance.bootstrap(golds, *pair, measure, num_resamples, confidence, seed)
            for name, measure in significance.MEASURES[first.predicted.kind].items()
        }
        are_right = first.predicted.kind != significance.SCORES
        both = significance.mcnemar(first.predicted.right, run.predicted.right) if are_right else None
        found.append(Test(run.name, differences, both, len(golds)))
    return found
