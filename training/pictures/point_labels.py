"""Words beside the points of a picture, where they can be read."""

import numpy as np

SIZE, LINE = 7, 9.0  # in points: of the letters, and from one line to the next


def add_labels(axes, points, labels):
    """Writes beside each point, towards the middle of the picture and above each other where labels would meet.

    Args:
      axes: with its limits as they stay.
      points: float [n, 2]. labels: n str.
    """
    heights = axes.transData.transform(points)[:, 1] * 72.0 / axes.figure.dpi
    is_right = points[:, 0] > np.mean(axes.get_xlim())
    for side, sign in ((is_right, -1), (~is_right, 1)):
        free = -np.inf
        for i in sorted(np.flatnonzero(side), key=heights.__getitem__):
            height = max(heights[i] + 3.0, free)
            free = height + LINE
            axes.annotate(
                labels[i],
                points[i],
                (4 * sign, height - heights[i]),
                textcoords="offset points",
                fontsize=SIZE,
                ha="right" if sign < 0 else "left",
                parse_math=False,
            )
