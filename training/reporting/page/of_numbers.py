"""What a report says of numbers: the given ones against the right ones, and the largest errors."""

import numpy as np

from bertline.training.reporting.page import svg
from bertline.training.reporting.page.parts import section, side_by_side, table
from bertline.training.reporting.page.rows import SHOWN, of_rows

MOST_POINTS = 2000
LEGEND = "Blue words raise the predicted number, orange ones lower it (gradient x input of the words' vectors)."


def sections(evaluated, colours):
    """Yields the sections of a split."""
    golds, found = np.array(evaluated.golds, np.float64), np.array(evaluated.answers, np.float64)[:, 0]
    every = -(-len(golds) // MOST_POINTS)
    ends = min(golds.min(), found.min()), max(golds.max(), found.max())
    shown = golds[::every], found[::every]
    picture = svg.points("predicted against right", *shown, np.full(len(shown[0]), 2.5), ends, "right", "predicted")
    yield section(f"Numbers of {evaluated.split}", side_by_side(picture, _summary(golds, found)))
    if evaluated.examples is not None:
        worst = np.argsort(-np.abs(found - golds), kind="stable")[:SHOWN]
        examples = [evaluated.examples[i] for i in worst]
        said = [f"right {golds[i]:.4g}, predicted {found[i]:.4g}" for i in worst]
        texts = colours.texts(examples, np.ones([len(examples), 1]))
        yield of_rows(f"Largest errors of {evaluated.split}", said, examples, texts, LEGEND)


def _summary(golds, found):
    """Of both sides: mean, deviation and ends."""
    sides = {"right": golds, "predicted": found, "error": found - golds}
    rows = [
        (name, *(f"{value:.4g}" for value in (one.mean(), one.std(), *np.percentile(one, [0, 50, 100]))))
        for name, one in sides.items()
    ]
    return table(("", "mean", "deviation", "least", "median", "most"), rows)
