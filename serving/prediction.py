"""What a model says of a text."""

import dataclasses


@dataclasses.dataclass(frozen=True, slots=True)
class Prediction:
    """The answer for one text.

    Attributes:
      label: the name of a class; of several labels a tuple, of those with a probability of 0.5 or more; None where the
        model gives a score.
      probabilities: name -> float of every label; None where the model gives a score.
      score: float, None where the model names labels.
      truncated: whether the text has more tokens than the model reads, so that its end was not read.
    """

    label: str | tuple[str, ...] | None
    probabilities: dict[str, float] | None
    score: float | None
    truncated: bool = False
