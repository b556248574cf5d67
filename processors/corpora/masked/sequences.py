"""Records of masked language modelling: what they hold, and how stretches of text become token sequences.

Source: google-research/bert, create_pretraining_data.py, whose feature names these are; ours have their true length.
"""

import dataclasses

import numpy as np

from bertline.processors.records.feature_spec import Feature
from bertline.processors.records.ragged import slots


def masked_lm_spec(max_predictions_per_seq):
    """name -> Feature of records whose masks were chosen when they were written; ours and the original's."""
    axes, positions = (max_predictions_per_seq,), "masked_lm_positions"
    return {
        **_sequence_spec(),
        positions: Feature("int32", axes, at_most=positions, points_into="tokens"),
        "masked_lm_ids": Feature("int32", axes, at_most=positions),
        "masked_lm_weights": Feature("float32", axes, at_most=positions),
        "next_sentence_labels": Feature("int32", absent=-1),
    }


def dynamic_spec():
    """name -> Feature of records that are masked while training: `input_ids` as the text has them.

    `word_starts`: 1 where a token begins a word (special tokens do), 0 where it continues one.
    """
    return {
        **_sequence_spec(),
        "word_starts": Feature("int32", ("tokens",), absent=1),
        "next_sentence_labels": Feature("int32", absent=-1),
    }


def _sequence_spec():
    return {
        "input_ids": Feature("int32", ("tokens",)),
        # Records have their true length, so they hold no mask of ones; those that are padded do.
        "input_mask": Feature("int32", ("tokens",), absent=1),
        "segment_ids": Feature("int32", ("tokens",)),
    }


@dataclasses.dataclass(frozen=True)
class Sequences:
    """Token sequences with their special tokens, one after another.

    Attributes:
      splits: int64 [instances + 1]; instance i has the tokens splits[i]:splits[i + 1].
      input_ids: int32 [tokens].
      segment_ids: uint8 [tokens].
      special: bool [tokens], of those around the segments.
      word_starts: bool [tokens], where a token begins a word. Special tokens do, and so does the first token of each
        segment: a word that was cut in two by truncation is two words. (The original counts the second part to the
        last word of the segment before.)
    """

    splits: np.ndarray
    input_ids: np.ndarray
    segment_ids: np.ndarray
    special: np.ndarray
    word_starts: np.ndarray


def assemble(segments, ids, word_starts, frame):
    """Sequences: the segments of each instance with special tokens around them.

    Args:
      segments: Segments.
      ids: int32 [tokens] of the block.
      word_starts: bool [tokens] of the block.
      frame: templates.Frame.
    """
    lengths = segments.ends - segments.starts
    framed = frame.around(lengths, segments.splits)
    text, source = framed.slots, slots(segments.starts, lengths)
    framed.ids[text] = ids[source]
    special, starts = np.ones(len(framed.ids), bool), np.ones(len(framed.ids), bool)
    special[text] = False
    starts[text] = word_starts[source]
    starts[framed.starts[lengths > 0]] = True
    segment_ids = np.repeat(segments.types.astype(np.uint8), framed.sizes)
    return Sequences(framed.row_splits, framed.ids, segment_ids, special, starts)


def masked_features(masked, splits):
    """name -> (values, splits) of a Masked: its sequences, which have these splits, and what is hidden in them."""
    return {
        "input_ids": (masked.input_ids, splits),
        "masked_lm_positions": (masked.positions, masked.splits),
        "masked_lm_ids": (masked.labels, masked.splits),
        "masked_lm_weights": (np.ones(len(masked.labels), np.float32), masked.splits),
    }


def pad_features(features, max_seq_length, max_predictions_per_seq):
    """The features of masked instances as the original stores them, filled up with 0, and the `input_mask` with them.

    Args:
      features: name -> (values, splits).
    """
    values, splits = features["input_ids"]
    features = {**features, "input_mask": (np.ones_like(values), splits)}
    widths = dict.fromkeys(("input_ids", "input_mask", "segment_ids"), max_seq_length)
    widths |= dict.fromkeys(("masked_lm_positions", "masked_lm_ids", "masked_lm_weights"), max_predictions_per_seq)
    return {name: _fill_up(*one, widths[name]) if name in widths else one for name, one in features.items()}


def _fill_up(values, splits, width):
    """Rows of `width` numbers each, as (values, splits)."""
    count, lengths = len(splits) - 1, np.diff(splits)
    table = np.zeros([count, width], values.dtype)
    table[np.repeat(np.arange(count), lengths), slots(np.zeros(count, np.int64), lengths)] = values
    return table.ravel(), width * np.arange(count + 1)
