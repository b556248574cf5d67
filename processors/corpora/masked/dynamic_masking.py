"""Masking while training: each time a batch is drawn it gets new masks, a pure function of (seed, index, batch).

TensorFlow's stateless operations only, over the whole batch at once, so that an iterator with it can be checkpointed.

Source: google-research/bert `create_pretraining_data.py:create_masked_lm_predictions`, whose definition it keeps;
n-grams: Lan et al. 2019 (ALBERT), https://arxiv.org/abs/1909.11942, section 3.1;
spans: Joshi et al. 2019 (SpanBERT), https://arxiv.org/abs/1907.10529, section 3.1;
new masks each time: Liu et al. 2019 (RoBERTa), https://arxiv.org/abs/1907.11692, section 4.1
"""

import numpy as np
import tensorflow as tf

from bertline.processors.corpora.masked.masking import KEEP_SHARE, MASK_SHARE, MASKINGS, length_probabilities


class DynamicMasking:
    """Callable: (index, batch) -> the batch with masks; for `batches.enumerate().map(masking)`.

    What is masked is defined as in masking.py beside. A sequence of n real tokens, [CLS] and [SEP] among them, gets
    min(P, max(1, round(n * masked_lm_prob))) predictions. Groups are taken in random order: a token, a word, or as many
    words as are drawn for its first one. A group ends before a special token, before a word that is taken already, and
    before one that would be too many; where that leaves no word it is passed over, and one after it may still fit: so
    there may be fewer predictions, never more. Of the tokens taken 80 % become mask_id, 10 % stay, 10 % become any id
    of the vocabulary, each token by a draw of its own; the tokens of a span all share the fate of the span.

    Args:
      mask_id: id of [MASK].
      vocab_size: random ids are below it.
      special_ids: ids that are never masked, and that end a word: [CLS], [SEP].
      max_predictions_per_seq: P.
      masked_lm_prob: share of a sequence's tokens to predict.
      masking: one of MASKINGS.
      max_ngram: longest n-gram in words.
      seed: of all masks, with the batch's index.
    """

    def __init__(
        self,
        mask_id,
        vocab_size,
        special_ids,
        max_predictions_per_seq,
        masked_lm_prob,
        masking="token",
        max_ngram=3,
        seed=0,
    ):
        if masking not in MASKINGS:
            raise ValueError(f"masking {masking!r} is not one of {', '.join(MASKINGS)}")
        self.mask_id, self.vocab_size, self.special_ids = mask_id, vocab_size, tuple(special_ids)
        self.max_predictions, self.masked_lm_prob = max_predictions_per_seq, masked_lm_prob
        self.masking, self.seed = masking, seed
        self.length_probabilities = length_probabilities(masking, max_ngram)

    def __call__(self, index, batch):
        """Masks a batch.

        Args:
          index: int64 scalar; another index, other masks.
          batch: input_ids, input_mask int32 [B, T]; unless tokens are masked one by one, word_starts int32 [B, T], 0
            where a token goes on with the word before it; anything else stays as it is.

        Returns:
          The batch with input_ids masked, without word_starts, and with masked_lm_positions (ascending), masked_lm_ids
          int32 and masked_lm_weights float32 [B, P]; beyond the predictions all three are 0.
        """
        batch = dict(batch)
        ids, real, word_starts = batch["input_ids"], batch["input_mask"] > 0, batch.pop("word_starts", None)
        fold_in = tf.random.experimental.stateless_fold_in
        key = fold_in(tf.constant([self.seed, 0], tf.int64), tf.cast(index, tf.int64))
        seeds = [fold_in(key, i) for i in range(4)]
        maskable = real
        for special in self.special_ids:
            maskable &= ids != special
        # In float64, as Python's round: 0.15 * 10 is a tie there.
        wanted = tf.round(tf.reduce_sum(tf.cast(real, tf.float64), axis=1) * self.masked_lm_prob)
        wanted = tf.cast(tf.clip_by_value(wanted, 1.0, float(self.max_predictions)), tf.int32)  # [B]
        order = _uniform(ids, seeds[0])
        if self.masking == "token":
            taken, fate = self._take_tokens(maskable, wanted, order), None
        else:
            # A special token ends a word also where a sequence was cut inside one.
            after_other = tf.pad(~maskable, [[0, 0], [1, 0]], constant_values=True)[:, :-1]
            starts = maskable & ((word_starts > 0) | after_other)
            group = _take_groups(starts, ~maskable, self._draw_lengths(ids, seeds[1]), wanted, order)
            taken, fate = group > 0, group if self.masking == "span" else None
        batch["input_ids"] = self._replace(ids, taken, fate, seeds[2:])
        return {**batch, **self._predictions(ids, taken)}

    def _take_tokens(self, maskable, wanted, order):
        """bool [B, T]: the `wanted` maskable tokens that are first in a random order."""
        scores, places = tf.math.top_k(tf.where(maskable, order, -1.0), _at_most(self.max_predictions, maskable))
        within = (tf.range(tf.shape(places)[1]) < wanted[:, None]) & (scores >= 0.0)
        rows = tf.broadcast_to(tf.range(tf.shape(places)[0])[:, None], tf.shape(places))
        counts = tf.scatter_nd(tf.stack([rows, places], axis=-1), tf.cast(within, tf.int32), tf.shape(maskable))
        return counts > 0

    def _draw_lengths(self, ids, seed):
        """int32 [B, T]: how many words a group that begins at a token should have."""
        thresholds = tf.constant(np.cumsum(self.length_probabilities)[:-1], tf.float32)
        draws = tf.reshape(_uniform(ids, seed), [-1])
        return tf.reshape(1 + tf.searchsorted(thresholds, draws, side="right"), tf.shape(ids))

    def _replace(self, ids, taken, group, seeds):
        """input_ids with the tokens taken replaced; `group` int32 [B, T] where a draw holds for a whole group."""
        draw = _uniform(ids, seeds[0])
        if group is not None:
            draw = tf.gather(draw, tf.maximum(group - 1, 0), batch_dims=1)
        random_ids = tf.random.stateless_uniform(tf.shape(ids), seeds[1], 0, self.vocab_size, tf.int32)
        replaced = tf.where(draw < MASK_SHARE + KEEP_SHARE, ids, random_ids)
        return tf.where(taken, tf.where(draw < MASK_SHARE, self.mask_id, replaced), ids)

    def _predictions(self, ids, taken):
        length, most = tf.shape(ids)[1], _at_most(self.max_predictions, ids)
        # Largest first: the first position taken counts most, one that is not taken 0.
        from_end = tf.math.top_k(tf.where(taken, length - tf.range(length), 0), most).values  # [B, most]
        weights = tf.cast(from_end > 0, tf.float32)
        positions = tf.where(from_end > 0, length - from_end, 0)
        found = tf.where(from_end > 0, tf.gather(ids, positions, batch_dims=1), 0)
        fields = {"masked_lm_positions": positions, "masked_lm_ids": found, "masked_lm_weights": weights}
        pad = [[0, 0], [0, self.max_predictions - most]]
        shape = [ids.shape[0], self.max_predictions]
        return {name: tf.ensure_shape(tf.pad(value, pad), shape) for name, value in fields.items()}


def _take_groups(starts, others, lengths, wanted, order):
    """Takes groups of words in random order, as the class says.

    Args:
      starts: bool [B, T], the first tokens of words. others: bool [B, T], tokens of no word.
      lengths: int32 [B, T], words in the group that begins at a word. wanted: int32 [B], most tokens to take.
      order: float32 [B, T] in [0, 1), smaller comes first.

    Returns:
      int32 [B, T]: 0 where a token is not taken, else the number of its group, 1 to T.
    """
    width, position = tf.shape(starts)[1], tf.range(tf.shape(starts)[1])
    # Edges, where a word may end: beginnings of words, other tokens, the end of the row.
    is_edge = tf.pad(starts | others, [[0, 0], [0, 1]], constant_values=True)  # [B, T + 1]
    edges = tf.sort(tf.where(is_edge, tf.range(width + 1), width), axis=1)
    number = tf.cumsum(tf.cast(is_edge, tf.int32), axis=1) - 1  # of the last edge up to here
    last_edge = tf.gather(edges, number, batch_dims=1)
    ends = tf.gather(edges, tf.minimum(number[:, :-1] + lengths, width), batch_dims=1)
    # Column by column, all rows at once; tokens that begin no word come last and are as good as empty.
    places = tf.argsort(tf.where(starts, order, 2.0), axis=1)
    ends = tf.transpose(tf.gather(tf.where(starts, ends, 0), places, batch_dims=1))  # [T, B]
    places, steps = tf.transpose(places), tf.reduce_max(tf.reduce_sum(tf.cast(starts, tf.int32), axis=1))

    def goes_on(step, group, missing):
        return (step < steps) & tf.reduce_any(missing > 0)

    def take(step, group, missing):
        first = places[step][:, None]  # [B, 1]
        blocked = tf.reduce_min(tf.where((group != 0) & (position >= first), position, width), axis=1, keepdims=True)
        end = tf.minimum(tf.minimum(ends[step][:, None], blocked), first + missing)
        end = tf.gather(last_edge, end, batch_dims=1)
        group = tf.where((position >= first) & (position < end), step + 1, group)
        return step + 1, group, missing - tf.maximum(end - first, 0)

    start = tf.constant(0), tf.where(others, -1, 0), wanted[:, None]
    _, group, _ = tf.while_loop(goes_on, take, start, parallel_iterations=1)
    return tf.maximum(group, 0)


def _uniform(rows, seed):
    """float32 in [0, 1), of the shape of `rows`."""
    return tf.random.stateless_uniform(tf.shape(rows), seed)


def _at_most(count, rows):
    """min(count, T) of [B, T]: an int where T is static."""
    return tf.minimum(count, tf.shape(rows)[1]) if rows.shape[1] is None else min(count, rows.shape[1])
