"""What a model says of a text."""

import dataclasses

SHOWN_LABELS = 3  # of a Prediction's repr


@dataclasses.dataclass(frozen=True, slots=True, repr=False)
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

    @property
    def confidence(self):
        """The probability of the label; None where the model gives several labels, or a score."""
        return self.probabilities[self.label] if isinstance(self.label, str) else None

    def top(self, count=SHOWN_LABELS):
        """list of (name, probability), the most probable first; [] where the model gives a score."""
        return sorted((self.probabilities or {}).items(), key=lambda pair: -pair[1])[:count]

    def __repr__(self):
        """A line: a list of many labels says less than its top."""
        more = ", ..." if len(self.probabilities or ()) > SHOWN_LABELS else ""
        shown = ", ".join(f"{name!r}: {number:.4f}" for name, number in self.top())
        said = (
            f"score={self.score:.4f}"
            if self.label is None
            else f"label={self.label!r}, probabilities={{{shown}{more}}}"
        )
        return f"Prediction({said}{', truncated=True' if self.truncated else ''})"
