"""Draws how loss, perplexity and scores moved over the steps of runs, whatever they learn: one picture for all of them.

A run may still be at work. Its own curves.png is written when it ends.
"""

from bertline import errors
from bertline.settings import flags
from bertline.settings.scripts import draw_curves


def main(_):
    with errors.report_errors("nothing was written"):
        run = flags.read(draw_curves.CurveSettings)
        draw_curves.check(run)
        from bertline.training.pictures import curves

        curves.draw(draw_curves.folders(run), run.target)
    print(f"written: {run.target}")


def command():
    """What the shell runs: this script, or its console command."""
    flags.define(draw_curves.CurveSettings)
    flags.run(main)


if __name__ == "__main__":
    command()
