"""The labelled examples of a split, what was said of them, and how good that is."""

import dataclasses

from bertline.training.scores import score


@dataclasses.dataclass(frozen=True)
class Evaluated:
    """Attributes:
    split: "dev" or "test".
    labels: the Labels, with the thresholds that answers are decided by.
    golds, answers: of each example, as the labels give them.
    scores: list of Score that have seen them. results: name -> float of these.
    examples: of each; None where only records are there.
    confidences: of `Labels.confidences`.
    """

    split: str
    labels: object
    golds: list
    answers: list
    scores: list
    results: dict
    examples: list | None = None
    confidences: list | None = None


def evaluate(split, labels, score_names, golds, answers, examples=None, confidences=None):
    """The Evaluated of examples; see there.

    Args:
      score_names: registered ones.
    """
    seen = score.show_all(score_names, golds, answers, labels.thresholds)
    return Evaluated(split, labels, golds, answers, seen, score.results(seen), examples, confidences)
