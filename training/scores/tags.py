"""Scores of tags: entities by seqeval, words by their number."""

import itertools

import numpy as np

from bertline import registry
from bertline.processors.tagging import tag_schemes
from bertline.processors.tagging.tag_spans import parts_of_tag, spans_of
from bertline.training.scores.score import Score, ScoreOfAll, of_sums


@registry.register("score", "entity_f1")
class EntityF1(ScoreOfAll):
    """F1, precision and recall of whole entities (or chunks), as conlleval.pl counts them.

    Source: the default mode of seqeval, https://github.com/chakki-works/seqeval.
    """

    problem_types = ("tags",)

    def result(self):
        from seqeval import metrics

        names = {"f1": metrics.f1_score, "precision": metrics.precision_score, "recall": metrics.recall_score}
        return {
            f"entity_{name}": float(function(self.golds, self.answers, zero_division=0))
            for name, function in names.items()
        }

    def resampling(self):
        pairs = ((set(spans_of(gold)), set(spans_of(answer))) for gold, answer in zip(self.golds, self.answers))
        return _of_entities("entity", pairs)


@registry.register("score", "strict_entity_f1")
class StrictEntityF1(ScoreOfAll):
    """F1, precision and recall of whole entities, where only tags that keep their scheme make one.

    Source: the strict mode of seqeval; the scheme is that of the tags.
    """

    problem_types = ("tags",)

    def result(self):
        from seqeval.metrics.v1 import precision_recall_fscore_support

        arguments = strict_arguments(self.golds, self.answers)
        precision, recall, f1, _ = precision_recall_fscore_support(
            *arguments["tags"], average="micro", zero_division=0, scheme=arguments["scheme"]
        )
        found = {"f1": f1, "precision": precision, "recall": recall}
        return {f"strict_entity_{name}": float(value) for name, value in found.items()}

    def resampling(self):
        from seqeval.scheme import Entities

        arguments = strict_arguments(self.golds, self.answers)
        sides = [Entities(tags, arguments["scheme"]).entities for tags in arguments["tags"]]
        sides = [[{one.to_tuple() for one in sentence} for sentence in side] for side in sides]
        return _of_entities("strict_entity", zip(*sides))


def _of_entities(name, pairs):
    """The Resampling of sentences; pairs: sets of the right and of the predicted entities of each."""
    rows = [(len(right & predicted), len(right), len(predicted)) for right, predicted in pairs]

    def of(sums):
        right, there, predicted = sums.T
        found = {"precision": (right, predicted), "recall": (right, there), "f1": (2 * right, there + predicted)}
        return {f"{name}_{kind}": one / other.clip(min=1) for kind, (one, other) in found.items()}

    return of_sums(np.array(rows).reshape(-1, 3), of)


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

    problem_types = ("tags",)

    def __init__(self):
        self._rows = []  # right words, words of each sentence

    def update(self, gold, answer):
        self._rows.append((sum(one == other for one, other in zip(gold, answer)), len(gold)))

    def result(self):
        right, words = (sum(numbers) for numbers in zip(*self._rows or [(0, 0)]))
        return {"tag_accuracy": right / max(1, words)}

    def resampling(self):
        rows = np.array(self._rows).reshape(-1, 2)
        return of_sums(rows, lambda sums: {"tag_accuracy": sums[:, 0] / sums[:, 1].clip(min=1)})
