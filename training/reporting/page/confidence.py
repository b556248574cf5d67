"""How sure answers are, and how many of them are right: calibration of what has one probability."""

import numpy as np

from bertline.training.evaluation import calibration
from bertline.training.reporting.page import svg
from bertline.training.reporting.page.parts import number, paragraph, side_by_side, table


def calibration_of_answers(confidences, right, whose, more=()):
    """Markup of a picture and of the expected calibration error.

    Args:
      confidences: float [n], probabilities. right: bool [n].
      whose: what has the probability.
      more: rows of the table, (name, value).
    """
    shares, means, weights = calibration.bins(confidences, right)
    error = float(np.sum(weights * np.abs(shares - means)))
    picture = svg.points(
        "share that is right, by probability", means, shares, 2 + 14 * np.sqrt(weights), (0.0, 1.0),
        "mean probability of a bin", "share that is right",
    )  # fmt: skip
    rows = [("expected calibration error", error), *more]
    said = f"{calibration.BINS} bins of equal width, of the probability of {whose}; large points have many rows."
    values = table(("", "value"), [(name, number(value)) for name, value in rows])
    return side_by_side(picture, values + paragraph(said))
