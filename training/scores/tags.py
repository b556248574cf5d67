"""Scores of tags: entities by seqeval, words by their number."""

import registry
from training.score import Score, ScoreOfAll


@registry.register("score", "entity_f1")
class EntityF1(ScoreOfAll):
    """F1, precision and recall of whole entities (or chunks), as conlleval.pl counts them.

    Source: the default mode of seqeval, https://github.com/chakki-works/seqeval.
    """

    def result(self):
        from seqeval import metrics

        names = {"f1": metrics.f1_score, "precision": metrics.precision_score, "recall": metrics.recall_score}
        return {
            f"entity_{name}": float(function(self.golds, self.answers, zero_division=0))
            for name, function in names.items()
        }


@registry.register("score", "tag_accuracy")
class TagAccuracy(Score):
    """Share of the words whose tag is right."""

    def __init__(self):
        self._right = self._words = 0

    def update(self, gold, answer):
        self._right += sum(one == other for one, other in zip(gold, answer))
        self._words += len(gold)

    def result(self):
        return {"tag_accuracy": self._right / max(1, self._words)}
