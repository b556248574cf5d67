"""curves.png: how the losses and the scores of evaluations moved over a run's steps, from metrics.csv."""

import os

import numpy as np

from bertline.errors import InputError
from bertline.training.pictures import figures
from bertline.training.reporting import metrics_table

# Of the mean line through the losses of single reports: the share of the reports that each point is a mean of.
SMOOTHED_SHARE = 0.05
MOST_POINTS = 5_000


def write(output_dir):
    """Draws the picture of a run, where its table has any row."""
    _, rows = metrics_table.read(os.path.join(output_dir, metrics_table.NAME))
    if rows:
        figures.save(os.path.join(output_dir, "curves.png"), lambda: make_figure({"": rows}))


def draw(folders, path):
    """Draws one picture of several runs.

    Args:
      folders: output folders. path: of the .png file.

    Raises:
      InputError: a folder has no table of a run that made a step, or the picture cannot be written.
    """
    runs = {}
    for folder in folders:
        table = os.path.join(folder, metrics_table.NAME)
        _, rows = metrics_table.read(table)
        if not rows:
            raise InputError(f"{table}: no step of a run; give the --output_dir of a run that has made one")
        runs[os.path.normpath(folder)] = rows
    figures.draw(path, lambda: make_figure(runs if len(runs) > 1 else {"": rows}))


def make_figure(runs):
    """A Figure with a panel for each kind of numbers; runs: name -> rows."""
    from matplotlib.ticker import LogFormatter

    evaluated = dict.fromkeys(
        name for rows in runs.values() for row in rows for name in row if name.startswith("eval/")
    )
    # The original's files have the loss under two names.
    losses = [name for name in evaluated if name.endswith("loss")]
    losses = [name for name in losses if name != "eval/loss"] if "eval/eval_loss" in losses else losses
    perplexities = [name for name in evaluated if name.endswith("perplexity")]
    scores = [name for name in evaluated if not name.endswith(("loss", "perplexity"))]
    panels = {"loss": ["train/loss", *losses], "perplexity": perplexities, "evaluation": scores}
    panels = {title: shown for title, shown in panels.items() if shown} | {"learning rate": ["train/learning_rate"]}
    figure = figures.new_figure(5.0 * len(panels), 4.0)
    for axes, (title, shown) in zip(figure.subplots(1, len(panels), squeeze=False)[0], panels.items()):
        for run, rows in runs.items():
            for name in shown:
                _draw(axes, rows, name, f"{run}: {name}" if run else name)
        axes.set_title(title)
        axes.set_xlabel("step")
        if title == "perplexity":  # it falls by powers
            axes.set_yscale("log")
            axes.yaxis.set_major_formatter(LogFormatter())  # 200, and not powers of ten
            axes.yaxis.set_minor_formatter(LogFormatter(minor_thresholds=(1.5, 0.5)))
        if axes.get_legend_handles_labels()[0]:
            axes.legend()
    return figure


def _draw(axes, rows, name, label):
    steps, values = np.array([(row["step"], float(row[name])) for row in rows if name in row]).reshape(-1, 2).T
    every = -(-len(steps) // MOST_POINTS) or 1
    if name == "train/loss" and len(steps) > 20:
        axes.plot(steps[::every], values[::every], linewidth=0.5, alpha=0.4)
        axes.plot(steps[::every], _smooth(values)[::every], label=label)
    else:
        marker = "o" if len(steps) <= 50 else None
        axes.plot(steps[::every], values[::every], label=label, marker=marker, markersize=3.0)


def _smooth(values):
    """Means over windows around each value, shorter at the ends."""
    half = max(1, int(len(values) * SMOOTHED_SHARE / 2))
    sums = np.concatenate([[0.0], np.cumsum(values)])
    at = np.arange(len(values))
    starts, ends = np.maximum(0, at - half), np.minimum(len(values), at + half + 1)
    return (sums[ends] - sums[starts]) / (ends - starts)
