"""How an example's tokens are laid out for an encoder: examples -> named arrays."""

import dataclasses
import functools

import numpy as np

from errors import InputError
from processors import templates
from processors.base import InputExample
from processors.feature_spec import Feature
from processors.ragged import beginnings, slots

PAIR = ("a", "b")  # what the names of two texts' features begin with
ENCODING_BATCH = 4096  # texts per call of the tokenizer: large enough to amortise the call, small enough for memory


class Layout:
    """Base of all layouts: `spec`, name -> Feature; `features`, examples -> arrays; `fingerprint`.

    `features` gives the arrays of the spec, and `uncut_length` (processors.feature_spec) of examples that were cut.
    """

    def check(self, examples):
        """Raises InputError for the first InputExample that cannot be laid out."""

    def graph_form(self):
        """The layout as operations of a TensorFlow graph, (ids of texts, those of second ones) -> a batch of features.

        Raises:
          InputError: there is none.
        """
        raise InputError(f"the layout {self.name} of this encoder cannot be put into a graph")


class Packed(Layout):
    """Tokens of one text or of two with those of a template around them, cut to a length; BERT's is the default one.

    Source: google-research/bert `run_classifier.py:convert_single_example` and `_truncate_seq_pair`.

    Args:
      tokenizer: a FullTokenizer or another with its interface.
      max_seq_length: tokens kept, special ones included.

    Raises:
      InputError: there is no room for a token.
    """

    name, template = "packed", templates.BERT
    spec = {
        "input_ids": Feature("int32", ("tokens",)),
        # Records have their true length, so they hold no mask of ones; those that are padded do.
        "input_mask": Feature("int32", ("tokens",), absent=1),
        "segment_ids": Feature("int32", ("tokens",)),
    }

    def __init__(self, tokenizer, max_seq_length):
        self.tokenizer, self.max_seq_length = tokenizer, max_seq_length
        if self.template.room(max_seq_length, 1) < 1:
            raise InputError(f"--max_seq_length={max_seq_length}: at least {self._least()}")

    def _least(self):
        before, after = (self.tokenizer.convert_ids_to_tokens(ids) for ids in (self.frame.before, self.frame.after))
        *first, last = [*before, "a token", *after]
        return f"{len(first) + 1} are needed for {', '.join(first)}{' and ' if first else ''}{last}"

    @functools.cached_property
    def frame(self):
        """templates.Frame. Raises InputError where the vocabulary lacks a special token of the template."""
        return self.template.on(self.tokenizer)

    def check(self, examples):
        return self.frame

    def fingerprint(self):
        """All that the arrays depend on beside the texts."""
        return [self.name, self.max_seq_length, self.tokenizer.fingerprint()]

    def graph_form(self):
        from processors import graph_layouts

        return functools.partial(graph_layouts.packed, self)

    def features(self, examples):
        """Yields one dict of int32 arrays per InputExample."""
        for start in range(0, len(examples), ENCODING_BATCH):
            part = examples[start : start + ENCODING_BATCH]
            rows = self.rows([example.text_a for example in part], [example.text_b or "" for example in part])
            for begin, end, full in zip(rows.row_splits[:-1], rows.row_splits[1:], rows.full_lengths):
                features = {name: values[begin:end] for name, values in rows.values.items()}
                yield features if end - begin == full else {**features, "uncut_length": np.int32(full)}

    def rows(self, texts, second_texts=None):
        """Rows of many texts at once, or of pairs; a second text without tokens is none, as in the original."""
        second = self.tokenizer.encode_batch(second_texts) if second_texts and any(second_texts) else None
        return self.pack(self.tokenizer.encode_batch(texts), second)

    def pack(self, first, second=None):
        """Tokens of texts -> Rows.

        Args:
          first, second: (ids int32 [total], row_splits int64 [n + 1]), as `encode_batch` gives them.
        """
        ids_a, splits_a = first
        length_a = splits_a[1:] - splits_a[:-1]
        length_b = second[1][1:] - second[1][:-1] if second else np.zeros_like(length_a)
        texts = 1 + (length_b > 0)
        full_lengths = length_a + length_b + self.frame.num_special(texts)
        kept_a, kept_b = truncated_lengths(length_a, length_b, self.frame.room(self.max_seq_length, texts))
        if second is None:
            framed = self.frame.around(kept_a)
            framed.ids[framed.slots] = beginnings(ids_a, splits_a, kept_a)
            segment_ids = np.zeros_like(framed.ids)
        else:
            framed, segment_ids = self._pairs(ids_a, splits_a, kept_a, *second, kept_b)
        return Rows({"input_ids": framed.ids, "segment_ids": segment_ids}, framed.row_splits, full_lengths)

    def _pairs(self, ids_a, splits_a, kept_a, ids_b, splits_b, kept_b):
        paired = kept_b > 0  # the original looks at what is left of b: `if tokens_b:`
        splits = np.zeros(len(paired) + 1, np.int64)
        np.cumsum(1 + paired, out=splits[1:])
        firsts, seconds = splits[:-1], splits[1:][paired] - 1
        lengths = np.empty(splits[-1], np.int64)
        lengths[firsts], lengths[seconds] = kept_a, kept_b[paired]
        framed = self.frame.around(lengths, splits)
        framed.ids[slots(framed.starts[firsts], kept_a)] = beginnings(ids_a, splits_a, kept_a)
        framed.ids[slots(framed.starts[seconds], kept_b[paired])] = beginnings(ids_b, splits_b, kept_b)
        segments = np.zeros(len(lengths), np.int32)
        segments[seconds] = self.tokenizer.second_segment_id
        segment_ids = np.repeat(segments, framed.sizes)
        return framed, segment_ids


class Plain(Packed):
    """The tokens of one text, or of two one after the other, and nothing around them."""

    name, template = "plain", templates.PLAIN


@dataclasses.dataclass
class Rows:
    """Features of n examples, end to end.

    Attributes:
      values: name -> int32 [total]; row i has values[name][row_splits[i]:row_splits[i + 1]].
      row_splits: int64 [n + 1].
      full_lengths: int64 [n], tokens that the rows would have uncut, special ones included.
    """

    values: dict[str, np.ndarray]
    row_splits: np.ndarray
    full_lengths: np.ndarray

    @functools.cached_property
    def lengths(self):
        """int64 [n]."""
        return self.row_splits[1:] - self.row_splits[:-1]

    @functools.cached_property
    def cut(self):
        """bool [n], whether tokens were dropped."""
        return self.lengths < self.full_lengths


class Separate(Layout):
    """The two texts of an example apart, each as the encoder reads a single one: `a_input_ids`, `b_input_ids`, ...

    Args:
      own: the encoder's own layout, for one text.
    """

    name = "separate"

    def __init__(self, own):
        self.own = own
        self.tokenizer, self.max_seq_length = own.tokenizer, own.max_seq_length
        self.spec = separate_spec(own.spec, PAIR)

    def fingerprint(self):
        return [self.name, *self.own.fingerprint()]

    def check(self, examples):
        for example in examples:
            if example.text_b is None:
                raise InputError(
                    f"{example.source or example.guid}: no second text; two texts are compared here, so each row needs "
                    "both"
                )

    def features(self, examples):
        """Yields one dict of int32 arrays per InputExample. Raises InputError where one has a single text."""
        self.check(examples)
        rows = self.own.features([InputExample(e.guid, text) for e in examples for text in (e.text_a, e.text_b)])
        for pair in zip(rows, rows):
            uncut_lengths = [row.pop("uncut_length") for row in pair if "uncut_length" in row]
            features = {f"{text}_{name}": array for text, row in zip(PAIR, pair) for name, array in row.items()}
            yield {**features, "uncut_length": max(uncut_lengths)} if uncut_lengths else features


def separate_spec(own_spec, texts):
    """The spec of several texts apart.

    Args:
      own_spec: name -> Feature of one text.
      texts: the texts' prefixes, as "a" and "b".
    """
    return {
        f"{text}_{name}": dataclasses.replace(feature, axes=tuple(_of_text(text, axis) for axis in feature.axes))
        for text in texts
        for name, feature in own_spec.items()
    }


def _of_text(text, axis):
    return f"{text}_{axis}" if isinstance(axis, str) else axis


def truncated_lengths(length_a, length_b, limit):
    """Lengths (int, or arrays) after tokens were dropped from the end of the longer text, of b where both are equal."""
    over = np.maximum(0, length_a + length_b - limit)
    # First the longer one shrinks to the shorter one, then both in turn.
    from_a = np.minimum(over, np.maximum(0, length_a - length_b))
    from_b = np.minimum(over, np.maximum(0, length_b - length_a))
    over = over - from_a - from_b
    return length_a - from_a - over // 2, length_b - from_b - (over + 1) // 2


_LAYOUTS = {layout.name: layout for layout in (Packed, Plain)}
_LAYOUTS_OVER_OWN = {layout.name: layout for layout in (Separate,)}  # made of what the encoder reads


def get(name):
    """The layout class of that name, of those that an encoder reads. Raises InputError for an unknown one."""
    if name not in _LAYOUTS:
        raise InputError(f"the layout {name!r} is unknown; known: {', '.join(_LAYOUTS)}")
    return _LAYOUTS[name]


def make(name, own_name, tokenizer, max_seq_length):
    """The layout `name` for an encoder whose own is `own_name`; its own one where `name` is None.

    Raises:
      InputError: there is no layout of that name.
    """
    if name is not None and name not in _LAYOUTS | _LAYOUTS_OVER_OWN:
        raise InputError(f"the layout {name!r} is unknown; known: {', '.join(_LAYOUTS | _LAYOUTS_OVER_OWN)}")
    own = get(own_name)(tokenizer, max_seq_length)
    return (
        _LAYOUTS_OVER_OWN[name](own) if name in _LAYOUTS_OVER_OWN else get(name or own_name)(tokenizer, max_seq_length)
    )
