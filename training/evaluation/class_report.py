"""What an evaluation says of each class: per_class.tsv, confusion.tsv and confusion.png."""

import logging
import os

import numpy as np

from bertline.common import table_lines
from bertline.training.evaluation import result_files
from bertline.training.folder.run_folder import LABEL_MAP
from bertline.training.pictures import figures
from bertline.training.scores.classes import predicted_labels

# Of confusion.png: classes with a number in each cell, classes with their names, classes at all; inches of a side.
MOST_COUNTED, MOST_NAMED, MOST_CLASSES = 30, 100, 2000
MOST_INCHES = 40.0


def write(output_dir, names, labels, probabilities, title="", thresholds=0.5):
    """Writes the files that the labels allow: confusions are of single labels only.

    Args:
      names: of the classes.
      labels: int [n], or 0/1 [n, num_labels] of several labels. probabilities: float [n, num_labels].
      title: of the picture.
      thresholds: of several labels, see `Labels.thresholds`.
    """
    found = predicted_labels(labels, probabilities, thresholds)
    scores = class_scores(len(names), labels, found)
    rows = [(name, *(f"{value:.6g}" for value in row)) for name, row in zip(names, zip(*scores))]
    header = ("label", "precision", "recall", "f1", "rows", "predicted")
    result_files.write_lines(os.path.join(output_dir, "per_class.tsv"), map(table_lines.line, [header, *rows]))
    if labels.ndim == 1 and len(names) > MOST_CLASSES:
        logging.warning(
            "confusion.tsv and confusion.png are not written: %d classes, at most %d", len(names), MOST_CLASSES
        )
    elif labels.ndim == 1:
        counts = np.zeros([len(names), len(names)], np.int64)
        np.add.at(counts, (labels, found), 1)
        rows = [["label", *names], *([name, *row] for name, row in zip(names, counts.tolist()))]
        result_files.write_lines(os.path.join(output_dir, "confusion.tsv"), map(table_lines.line, rows))
        picture = "confusion.png"
        figures.save(
            os.path.join(output_dir, picture),
            lambda: figures.in_fonts_for(
                names, lambda shown: _confusion(shown, counts, scores, title), picture, LABEL_MAP
            ),
        )


def class_scores(count, labels, found):
    """(precision, recall, F1, rows with the label, rows predicted to have it), arrays [num_labels]."""
    if labels.ndim == 1:
        right, rows, predicted = (np.bincount(ids, minlength=count) for ids in (labels[labels == found], labels, found))
    else:
        labels, found = labels.astype(bool), found.astype(bool)
        right, rows, predicted = (mask.sum(axis=0) for mask in (labels & found, labels, found))
    precision, recall = right / predicted.clip(min=1), right / rows.clip(min=1)
    return precision, recall, 2 * right / (rows + predicted).clip(min=1), rows, predicted


def _confusion(names, counts, scores, title):
    ids, (precision, recall, f1, rows, _) = range(len(names)), scores
    size = min(max(5.0, 0.5 * len(names) + 3.0), MOST_INCHES)
    figure = figures.new_figure(size + 2.0, size)
    axes = figure.subplots()
    shares = counts / counts.sum(axis=1, keepdims=True).clip(min=1)
    axes.imshow(shares, cmap="Blues", vmin=0.0, vmax=1.0)
    if len(names) <= MOST_NAMED:
        described = [
            f"{name}  P {p:.2f} R {r:.2f} F1 {f:.2f} (n={n})"
            for name, p, r, f, n in zip(names, precision, recall, f1, rows)
        ]
        axes.set_yticks(ids, described, parse_math=False)  # a name may hold a $
        axes.set_xticks(ids, names, rotation=45, ha="right", rotation_mode="anchor", parse_math=False)
    axes.set_title(title, parse_math=False)
    axes.set_xlabel("predicted")
    axes.set_ylabel("label")
    if len(names) <= MOST_COUNTED:
        for i, j in zip(*np.nonzero(counts)):
            colour = "white" if shares[i, j] > 0.5 else "black"
            axes.text(j, i, counts[i, j], ha="center", va="center", color=colour)
    return figure
