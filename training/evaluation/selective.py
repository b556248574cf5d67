"""Selective accuracy: how many rows are answered at a threshold, and how many of these rightly.

Source: El-Yaniv & Wiener 2010, https://jmlr.org/papers/v11/el-yaniv10a.html, section 2: risk and coverage.
"""

import os

import numpy as np

from bertline.common import table_lines
from bertline.training.evaluation import result_files
from bertline.training.pictures import figures

TABLE, PICTURE = "selective_accuracy.tsv", "selective_accuracy.png"
THRESHOLDS = np.arange(0.0, 1.0, 0.05)


def at(golds, probabilities, thresholds):
    """(share that is answered, accuracy of those), float [thresholds] each; an accuracy of no row is NaN.

    Args:
      golds: int [n]. probabilities: float [n, num_labels].
    """
    confidences, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == golds
    answered = confidences[None] >= np.asarray(thresholds)[:, None]  # [thresholds, n]
    counts = answered.sum(axis=1)
    accuracies = np.where(counts > 0, (answered & right).sum(axis=1) / counts.clip(min=1), np.nan)
    return counts / len(golds), accuracies


def write(output_dir, golds, probabilities, chosen):
    """Writes the table and the picture. chosen: the threshold that is asked for, one of the rows."""
    golds, probabilities = np.asarray(golds), np.asarray(probabilities, np.float64)
    thresholds = np.unique(np.append(THRESHOLDS.round(2), chosen))
    shares, accuracies = at(golds, probabilities, thresholds)
    rows = [[f"{value:.6g}" for value in row] for row in zip(thresholds, shares, accuracies)]
    header = ["threshold", "answered", "accuracy"]
    result_files.write_lines(os.path.join(output_dir, TABLE), map(table_lines.line, [header, *rows]))
    figures.save(os.path.join(output_dir, PICTURE), lambda: _picture(golds, probabilities, chosen))


def _picture(golds, probabilities, chosen):
    thresholds = np.sort(probabilities.max(axis=1))
    figure = figures.new_figure(5.5, 4.0)
    axes = figure.subplots()
    axes.plot(*at(golds, probabilities, np.unique(np.quantile(thresholds, np.linspace(0, 1, 200)))))
    axes.plot(*at(golds, probabilities, [chosen]), "o", label=f"from {chosen:g} on")
    axes.set_xlabel("share of the rows that is answered")
    axes.set_ylabel("accuracy of these")
    axes.legend()
    return figure
