"""A tag for each word of a sentence."""

import collections
import itertools
import json
import logging

import numpy as np

from bertline import registry
from bertline.common import json_files
from bertline.errors import InputError
from bertline.processors.base import TaggedWords
from bertline.processors.labels.base import Labels, parts_of
from bertline.processors.labels.predictions import Entity, TaggedText
from bertline.processors.records.feature_spec import Feature
from bertline.processors.tagging import tag_page
from bertline.processors.tagging.tag_spans import spans_in_text, spans_of
from bertline.processors.tagging.word_offsets import SPLITS, WORDS, join_words, split_words, with_text
from bertline.processors.text.texts import checked_words

SHOWN = 20  # tags of a line


@registry.register("labels", "tags")
class TagLabels(Labels):
    """`label_ids` int32 [words], of the words that a row answers for; answers are lists of tags, one for each word.

    Args:
      names: of the tags, in the order of their ids.
      split_words: how raw texts become words, of word_offsets.SPLITS.
    """

    problem_type, verb = "tags", "tag"
    report = "tags"
    spec = {"label_ids": Feature("int32", ("words",), absent=-1, padding=-1)}

    def __init__(self, names=(), split_words=WORDS):
        super().__init__(names)
        self.split_words = split_words

    @property
    def num_classes(self):
        return len(self.names)

    def encode(self, label, row=None):
        if label is None:
            return {}
        first = int(row.get("first_word", 0))
        tags = label[first : first + len(row["word_positions"])]
        return {"label_ids": np.array([self._ids.get(tag, -1) for tag in tags], np.int32)}

    def check(self, examples, split):
        """See base class. A tag that training does not know can be scored, but is never predicted: it is told of."""
        if split == "train":
            return super().check(examples, split)
        unknown = collections.Counter(tag for one in examples for tag in one.label or () if tag not in self._ids)
        if unknown:
            where = next(one.source for one in examples if unknown.keys() & set(one.label or ()))
            logging.warning(
                "%s: %d words of the %s split have tags that the training data has not (%s); their answers count as "
                "wrong",
                where,
                unknown.total(),
                split,
                ", ".join(sorted(unknown)),
            )
        return super().check([one for one in examples if one.label is None], split)

    def answers(self, outputs, examples=None, layout=None):
        return self._of_examples(outputs, outputs["tags"])

    def example(self, given, place="text"):
        """See base class. A raw text (str), or the words of a sentence (list of str)."""
        given = checked_words(given, place)
        if isinstance(given, str):
            offsets = split_words(given, self.split_words)
            return TaggedWords(place, tuple(given[start:end] for start, end in offsets), text=given, offsets=offsets)
        text, offsets = join_words(given)
        return TaggedWords(place, given, text=text, offsets=offsets)

    def predictions(self, outputs, examples, layout, rows):
        """See base class: list of TaggedText."""
        tags = self._of_examples(outputs, outputs["tags"])
        confidences = [
            tuple(float(one) for row in outputs["confidences"][part] for one in row) for part in parts_of(outputs)
        ]
        return [tagged_text(*one) for one in zip(examples, tags, confidences)]

    def config_entries(self):
        """See base class; words as usual are not said."""
        return {**super().config_entries(), **({"split_words": self.split_words} if self.split_words != WORDS else {})}

    @classmethod
    def saved_options(cls, config):
        """See base class."""
        how = config.get("split_words", WORDS)
        if how not in SPLITS:
            raise InputError(f"split_words is {json_files.excerpt(how)}, one of {', '.join(SPLITS)} is needed")
        return {"split_words": how}

    def golds(self, outputs, examples=None):
        if examples is not None:
            return [None if example.label is None else list(example.label) for example in examples]
        return self._of_examples(outputs, outputs["label_ids"])

    def _of_examples(self, outputs, ids):
        """list of str of each example, of the ids of its rows."""
        return [[self.names[i] for row in ids[part] for i in row] for part in parts_of(outputs)]

    def prediction_files(self, answers, examples=None, truncated=None, file_format="tsv"):
        """predictions.conll: word, tag where it is known, predicted tag; predictions.jsonl: a sentence a line, with
        spans of characters of its text; predictions.html: the same in colour, where words are known.
        """
        examples = examples and [with_text(example) for example in examples]
        rows = list(zip(answers, examples or [None] * len(answers)))
        lines = itertools.starmap(_json_line, enumerate(rows))
        files = {"predictions.conll": _columns(rows), "predictions.jsonl": lines}
        return {**files, "predictions.html": tag_page.page(answers, examples)} if examples else files

    def confidences(self, outputs):
        """See base class: of each word."""
        if "confidences" not in outputs:
            return None
        return [np.concatenate([*outputs["confidences"][part], np.zeros(0, np.float32)]) for part in parts_of(outputs)]

    def counts(self, labels):
        """See base class: entities of each type, or words of each tag where tags mark none."""
        labels = list(labels)
        found = collections.Counter(span.label for tags in labels for span in spans_of(tags))
        return dict((found or collections.Counter(tag for tags in labels for tag in tags)).most_common())

    def distribution(self, labels):
        found = collections.Counter(tag for tags in labels for tag in tags).most_common()
        shown = ", ".join(f"{name} {count}" for name, count in found[:SHOWN])
        return f"tags: {shown}" + (f", ... ({len(found)} in all)" if len(found) > SHOWN else "")


def tagged_text(example, tags, confidences):
    """The TaggedText of a TaggedWords that knows its text.

    Args:
      tags, confidences: of each word.
    """
    text, starts, ends = example.text, *(tuple(zip(*example.offsets)) or ((), ()))
    entities = []
    for first, end, kind in spans_of(tags):
        start, stop = starts[first], ends[end - 1]
        score = sum(confidences[first:end]) / (end - first)
        entities.append(Entity(kind, text[start:stop], start, stop, score, first, end))
    return TaggedText(text, example.words, tuple(tags), confidences, starts, ends, tuple(entities))


def _columns(rows):
    has_tags = any(example and example.label for _, example in rows)
    for answer, example in rows:
        words = example.words if example else [f"word-{i + 1}" for i in range(len(answer))]
        for i, (word, tag) in enumerate(zip(words, answer)):
            yield "\t".join([word, *([(example.label or ["_"] * len(words))[i]] if has_tags else []), tag])
        yield ""


def _json_line(number, row):
    answer, example = row
    found = {"guid": example.guid if example else f"row-{number + 1}", "tags": answer}
    if example:
        found |= {"words": list(example.words), "text": example.text, "spans": spans_in_text(answer, example.offsets)}
        if example.label is not None:
            found |= {"true_tags": list(example.label), "true_spans": spans_in_text(example.label, example.offsets)}
    return json.dumps(found, ensure_ascii=False)
