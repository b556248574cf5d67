"""Compares runs of one task: settings that differ, scores, curves, and whether a difference is more than chance.

Writes a table and a page, comparison.html, which needs nothing from elsewhere.
"""

from bertline import errors
from bertline.settings import flags
from bertline.settings.scripts import compare_runs


def main(_):
    with errors.report_errors("nothing was written"):
        run = flags.read(compare_runs.ComparisonSettings)
        compare_runs.check(run)
        from bertline.training.comparing import comparison

        comparison.compare(compare_runs.folders(run), run.target, run.num_resamples, run.confidence, run.seed)


def command():
    """What the shell runs: this script, or its console command."""
    flags.define(compare_runs.ComparisonSettings)
    flags.run(main)


if __name__ == "__main__":
    command()
