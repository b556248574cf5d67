"""Which of several labels come together: co_occurrence.tsv and co_occurrence.png."""

import os

import numpy as np

from bertline.common import table_lines
from bertline.training.evaluation import result_files
from bertline.training.folder.run_folder import LABEL_MAP
from bertline.training.pictures import figures

MOST_COUNTED, MOST_LABELS = 20, 100
TABLE, PICTURE = "co_occurrence.tsv", "co_occurrence.png"


def write(output_dir, names, labels):
    """Writes the table, of the rows that have two labels, and of at most so many labels the picture.

    Args:
      names: of the labels. labels: 0/1 [n, num_labels], the right ones.
    """
    there = (np.asarray(labels) > 0).astype(np.int64)
    counts = there.T @ there  # [num_labels, num_labels]; the diagonal has the rows of each label
    rows = [["label", *names], *([name, *row] for name, row in zip(names, counts.tolist()))]
    result_files.write_lines(os.path.join(output_dir, TABLE), map(table_lines.line, rows))
    if len(names) <= MOST_LABELS:
        figures.save(
            os.path.join(output_dir, PICTURE),
            lambda: figures.in_fonts_for(names, lambda shown: _picture(shown, counts), PICTURE, LABEL_MAP),
        )


def _picture(names, counts):
    size = max(5.0, 0.4 * len(names) + 3.0)
    figure, ids = figures.new_figure(size + 1.0, size), range(len(names))
    axes = figure.subplots()
    shares = counts / np.diag(counts)[:, None].clip(min=1)
    axes.imshow(shares, cmap="Blues", vmin=0.0, vmax=1.0)
    axes.set_yticks(ids, [f"{name} (n={n})" for name, n in zip(names, np.diag(counts))], parse_math=False)
    axes.set_xticks(ids, names, rotation=45, ha="right", rotation_mode="anchor", parse_math=False)
    axes.set_title("share of a row's label that has the column's label too")
    if len(names) <= MOST_COUNTED:
        for i, j in zip(*np.nonzero(counts)):
            axes.text(j, i, counts[i, j], ha="center", va="center", color="white" if shares[i, j] > 0.5 else "black")
    return figure
