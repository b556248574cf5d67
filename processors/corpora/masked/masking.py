"""Chooses the tokens that a masked language model must predict, and what stands in their place; many texts at once.

Source: google-research/bert, create_pretraining_data.py, create_masked_lm_predictions; n-grams: Lan et al. 2019
(ALBERT), section 3.1 and https://github.com/google-research/albert; spans: Joshi et al. 2019 (SpanBERT), section 3.1.
"""

import dataclasses

import numpy as np

from bertline.processors.records.ragged import slots

MASKINGS = ("token", "whole_word", "ngram", "span")
# SpanBERT's lengths in words: geometric with p = 0.2, none above 10.
SPAN_PROBABILITY, LONGEST_SPAN = 0.2, 10
MASK_SHARE, KEEP_SHARE = 0.8, 0.1


@dataclasses.dataclass(frozen=True)
class Masking:
    """How to mask.

    Attributes:
      kind: what is masked together. "token": each token by itself. "whole_word": all tokens of a word. "ngram": 1 to
        `max_ngram` neighbouring words, n of them with a probability in proportion to 1/n, as in ALBERT. "span": 1 to 10
        neighbouring words, geometric, as in SpanBERT; a span is then replaced as a whole: all of it by [MASK] (80%),
        by random tokens (10%) or not at all (10%). In the other kinds each token has a lot of its own.
      masked_lm_prob: share of the tokens of a sequence, special ones counted, that is masked.
      max_predictions_per_seq: int, no more than these.
      mask_id, vocab_size: int; random tokens are any of the vocabulary, as in the original.
    """

    kind: str
    masked_lm_prob: float
    max_predictions_per_seq: int
    mask_id: int
    vocab_size: int
    max_ngram: int = 3


@dataclasses.dataclass(frozen=True)
class Masked:
    """Sequences with holes.

    Attributes:
      input_ids: int32 [tokens], masked.
      splits: int64 [instances + 1]; instance i has the predictions splits[i]:splits[i + 1].
      tokens: int64 [predictions], which tokens of all sequences are to be predicted, ascending.
      positions: int64 [predictions], the same within their sequence: `masked_lm_positions`.
      labels: int32 [predictions], what stood there: `masked_lm_ids`.
    """

    input_ids: np.ndarray
    splits: np.ndarray
    tokens: np.ndarray
    positions: np.ndarray
    labels: np.ndarray


def mask_sequences(sequences, masking, rng):
    """Masks sequences.

    As in the original: n = min(max_predictions_per_seq, max(1, round(tokens * masked_lm_prob))); words in random order
    are taken, unless one would make it more than n. Special tokens never are.

    Args:
      sequences: Sequences.
      masking: Masking.
      rng: numpy Generator.

    Returns:
      Masked.
    """
    splits, special = sequences.splits, sequences.special
    boundaries = special | sequences.word_starts if masking.kind != "token" else np.ones_like(special)
    edges = np.append(np.flatnonzero(boundaries), len(special))
    is_word = ~special[edges[:-1]]
    starts, sizes = edges[:-1][is_word], np.diff(edges)[is_word]
    word_splits = np.searchsorted(starts, splits)
    wanted = np.maximum(1, np.rint(np.diff(splits) * masking.masked_lm_prob).astype(np.int64))
    wanted = np.minimum(masking.max_predictions_per_seq, wanted)
    spans = _choose_spans(starts, sizes, word_splits, wanted, _span_lengths(masking, len(starts), rng), rng)

    words = np.flatnonzero(spans >= 0)
    tokens = slots(starts[words], sizes[words])
    labels = sequences.input_ids[tokens]
    lots = rng.random(len(starts))[np.repeat(spans[words], sizes[words])] if masking.kind == "span" else None
    lots = rng.random(len(tokens)) if lots is None else lots
    replaced = rng.integers(masking.vocab_size, size=len(tokens), dtype=np.int32)
    replaced[lots < MASK_SHARE + KEEP_SHARE] = labels[lots < MASK_SHARE + KEEP_SHARE]
    replaced[lots < MASK_SHARE] = masking.mask_id
    input_ids = sequences.input_ids.copy()
    input_ids[tokens] = replaced
    prediction_splits = np.searchsorted(tokens, splits)
    positions = tokens - np.repeat(splits[:-1], np.diff(prediction_splits))
    return Masked(input_ids, prediction_splits, tokens, positions, labels)


def _span_lengths(masking, count, rng):
    """How many words the span that begins at each word would have, int64 [count]; None: one."""
    if masking.kind in ("token", "whole_word"):
        return None
    thresholds = np.cumsum(length_probabilities(masking.kind, masking.max_ngram))[:-1]
    return 1 + np.searchsorted(thresholds, rng.random(count), side="right")


def length_probabilities(kind, max_ngram=3):
    """Probabilities that a span has 1, 2, ... words, float64. n-grams: in proportion to 1 / n; spans: geometric."""
    if kind == "ngram":
        weights = 1.0 / np.arange(1, max_ngram + 1)
    elif kind == "span":
        weights = SPAN_PROBABILITY * (1 - SPAN_PROBABILITY) ** np.arange(LONGEST_SPAN)
    else:
        weights = np.ones(1)
    return weights / weights.sum()


def _choose_spans(starts, sizes, word_splits, wanted, span_lengths, rng):
    """The span that each word is masked with, named by the number of its first word, or -1; int64 [words].

    In the n-th turn every sequence looks at the n-th word of its random order, all sequences at once. A span ends
    before a word that is masked already, before one that would be too many, and at the end of its segment.
    """
    spans, count = np.full(len(starts), -1), np.zeros(len(wanted), np.int64)
    order, num_words = _shuffle(word_splits, rng), np.diff(word_splits)
    has_neighbour = np.append(starts[1:] == starts[:-1] + sizes[:-1], False)  # else a special token comes next
    active, turn = np.flatnonzero(num_words), 0
    while active.size:
        sequence, word = active, order[word_splits[active] + turn]
        first, length = word, 1
        while word.size:
            fits = (spans[word] < 0) & (count[sequence] + sizes[word] <= wanted[sequence])
            sequence, word, first = sequence[fits], word[fits], first[fits]
            spans[word] = first
            count[sequence] += sizes[word]
            if span_lengths is None:
                break
            goes_on = (span_lengths[first] > length) & has_neighbour[word]
            sequence, word, first = sequence[goes_on], word[goes_on] + 1, first[goes_on]
            length += 1
        turn += 1
        active = active[(count[active] < wanted[active]) & (turn < num_words[active])]
    return spans


def _shuffle(splits, rng):
    """The numbers of each range splits[i]:splits[i + 1] in random order, as one array.

    Sorted by a key of range, random number and place: one sort, and no tie for a machine to break in its own way.
    """
    counts = np.diff(splits)
    longest = int(counts.max(initial=1))
    range_bits, place_bits = len(counts).bit_length(), longest.bit_length()
    random_bits = 63 - range_bits - place_bits
    place = np.arange(int(splits[-1])) - np.repeat(splits[:-1], counts)
    keys = rng.integers(1 << random_bits, size=len(place)) << place_bits
    keys |= np.repeat(np.arange(len(counts)) << (63 - range_bits), counts)
    keys |= place
    keys.sort()
    return (keys & ((1 << place_bits) - 1)) + np.repeat(splits[:-1], counts)
