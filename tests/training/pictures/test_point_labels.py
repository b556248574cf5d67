"""Labels of points, as matplotlib lays them out: inside of the picture, none over another."""

import itertools

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from bertline.training.pictures.point_labels import add_labels


def test_labels_stay_inside_and_do_not_meet():
    points = np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 0.001], [0.99, 0.002], [0.0, 1.0], [0.02, 0.999]])
    figure = Figure((6.5, 6.0))
    axes = figure.subplots()
    axes.scatter(*points.T)
    add_labels(axes, points, [f"a label of ${i}" for i in range(len(points))])
    renderer = FigureCanvasAgg(figure).get_renderer()
    figure.draw(renderer)
    boxes = [text.get_window_extent(renderer) for text in axes.texts]
    inside = axes.get_window_extent(renderer)
    assert all(inside.x0 <= box.x0 and box.x1 <= inside.x1 for box in boxes)
    # By the line: a box has room above its letters.
    assert all(
        one.x1 < other.x0 or other.x1 < one.x0 or abs(one.y0 - other.y0) > 9.0
        for one, other in itertools.combinations(boxes, 2)
    )
