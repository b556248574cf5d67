"""scatter.png: the scores that a model gives against those of the data."""

import os

import numpy as np

from bertline.training.pictures import figures

MOST_POINTS = 20_000


def write(output_dir, labels, scores, title):
    """Draws the picture.

    Args:
      labels, scores: float [n]. Of more than MOST_POINTS rows every k-th one is drawn.
      title: of the picture.
    """
    figures.save(os.path.join(output_dir, "scatter.png"), lambda: _figure(labels, scores, title))


def _figure(labels, scores, title):
    figure = figures.new_figure(6.0, 6.0)
    axes = figure.subplots()
    every = -(-len(labels) // MOST_POINTS)
    ends = [min(labels.min(), scores.min()), max(labels.max(), scores.max())]
    axes.plot(ends, ends, color="grey", linewidth=1.0)  # where a right score would be
    density = float(np.clip(500 / len(labels), 0.05, 0.6))
    axes.scatter(labels[::every], scores[::every], s=12.0, alpha=density, linewidths=0.0)
    axes.set_title(title, parse_math=False)
    axes.set_xlabel("label")
    axes.set_ylabel("predicted")
    return figure
