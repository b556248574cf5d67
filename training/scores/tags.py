"""Scores of tags: entities by seqeval, words by their number."""

import itertools

from bertline import registry
from bertline.processors.tagging import tag_schemes
from bertline.processors.tagging.tag_spans import parts_of_tag
from bertline.training.scores.score import Score, ScoreOfAll


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


@registry.register("score", "strict_entity_f1")
class StrictEntityF1(ScoreOfAll):
    """F1, precision and recall of whole entities, where only tags that keep their scheme make one.

    Source: the strict mode of seqeval; the scheme is that of the tags.
    """

    def result(self):
        from seqeval.metrics.v1 import precision_recall_fscore_support

        arguments = strict_arguments(self.golds, self.answers)
        precision, recall, f1, _ = precision_recall_fscore_support(
            *arguments["tags"], average="micro", zero_division=0, scheme=arguments["scheme"]
        )
        found = {"f1": f1, "precision": precision, "recall": recall}
        return {f"strict_entity_{name}": float(value) for name, value in found.items()}


def strict_arguments(golds, answers):
    """What seqeval's functions take for its strict mode; `tags` are (golds, answers) as it spells them."""
    from seqeval.scheme import IOB1, IOB2, IOBES

    names = {tag for tags in itertools.chain(golds, answers) for tag in tags}
    kinds = {tag_schemes.IOB1: IOB1, tag_schemes.IOB2: IOB2, tag_schemes.BIOES: IOBES}
    # Ends may be predicted that no right tag has; which of IOB1 and IOB2 it is the right tags say.
    has_ends = tag_schemes.scheme_of([names]) == tag_schemes.BIOES
    scheme = tag_schemes.BIOES if has_ends else tag_schemes.scheme_of(golds)
    parts = {tag: "-".join(filter(None, parts_of_tag(tag))) for tag in names}
    spelled = [[[parts[tag] for tag in tags] for tags in side] for side in (golds, answers)]
    return {"tags": spelled, "mode": "strict", "scheme": kinds[scheme or tag_schemes.IOB2]}


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
