"""A linear-chain conditional random field: scores of tag sequences, their likelihood, the best one, marginals.

A sequence of tags scores the sum of its emissions, of its transitions and of its first and last tag. All functions take
sequences of their true length from position 0 on; what stands behind it plays no part.

Source: Lafferty et al. 2001; Collobert et al. 2011, https://arxiv.org/abs/1103.0398, section 3.3.2
"""

import keras
import tensorflow as tf


class CRF(keras.layers.Layer):
    """Transitions between `num_tags` tags, in float32.

    Weights: transitions [from, to], start_transitions [K], end_transitions [K].

    Args:
      num_tags: K.
      allowed: bool [K + 2, K + 2], from (row K: the start) to (column K + 1: the end), which pairs may follow each
        other; None: all. A pair that may not is never part of the best sequence.
    """

    def __init__(self, num_tags, allowed=None, **kwargs):
        super().__init__(name=kwargs.pop("name", "crf"), **kwargs, dtype="float32")
        self.num_tags, self._allowed = num_tags, allowed

    def build(self, input_shape=None):
        def weight(name, shape):
            return self.add_weight(name=name, shape=shape, initializer=keras.initializers.RandomUniform(-0.1, 0.1))

        self.transitions = weight("transitions", (self.num_tags, self.num_tags))
        self.start_transitions = weight("start_transitions", (self.num_tags,))
        self.end_transitions = weight("end_transitions", (self.num_tags,))
        self.built = True

    def scores(self):
        """(transitions [K, K], start [K], end [K]) with what is not allowed far below all else."""
        parts = [tf.convert_to_tensor(w) for w in (self.transitions, self.start_transitions, self.end_transitions)]
        if self._allowed is None:
            return tuple(parts)
        count, allowed = self.num_tags, tf.constant(self._allowed)
        masks = allowed[:count, :count], allowed[count, :count], allowed[:count, count + 1]
        return tuple(tf.where(mask, part, FORBIDDEN) for mask, part in zip(masks, parts))

    def log_likelihood(self, emissions, tags, lengths):
        """float32 [B] for emissions [B, T, K], tags int32 [B, T], lengths int32 [B] (at least 1)."""
        parts = self.scores()
        return sequence_score(emissions, tags, lengths, *parts) - log_partition(emissions, lengths, *parts)

    def best_tags(self, emissions, lengths):
        """(tags int32 [B, T], 0 behind the end; scores float32 [B]) of the best sequences."""
        return viterbi(emissions, lengths, *self.scores())

    def marginals(self, emissions, lengths):
        """float32 [B, T, K]: how likely each tag is at each position, over all sequences; 0 behind the end."""
        return marginals(emissions, lengths, *self.scores())


FORBIDDEN = -1e4


def sequence_score(emissions, tags, lengths, transitions, start, end):
    """float32 [B]: the score of one sequence of tags each."""
    emissions, steps = tf.cast(emissions, tf.float32), tf.shape(emissions)[1]
    real = tf.sequence_mask(lengths, steps, tf.float32)  # [B, T]
    own = tf.reduce_sum(tf.gather(emissions, tags, batch_dims=2) * real, axis=1)
    pairs = tf.gather_nd(transitions, tf.stack([tags[:, :-1], tags[:, 1:]], axis=-1))  # [B, T - 1]
    last = tf.gather(tags, lengths - 1, batch_dims=1)
    return own + tf.reduce_sum(pairs * real[:, 1:], axis=1) + tf.gather(start, tags[:, 0]) + tf.gather(end, last)


def log_partition(emissions, lengths, transitions, start, end):
    """float32 [B]: the logarithm of the sum over all sequences of e to their score."""
    return tf.reduce_logsumexp(_forward(emissions, lengths, transitions, start) + end, axis=1)


def _forward(emissions, lengths, transitions, start):
    """float32 [B, K]: log of the sum over all sequences whose last tag is each one, without the score of its end."""
    emissions = tf.transpose(tf.cast(emissions, tf.float32), [1, 0, 2])  # [T, B, K]

    def step(position, alpha):
        reached = tf.reduce_logsumexp(alpha[:, :, None] + transitions, axis=1) + emissions[position]
        return position + 1, tf.where((position < lengths)[:, None], reached, alpha)

    steps = tf.shape(emissions)[0]
    return tf.while_loop(lambda position, _: position < steps, step, [1, start + emissions[0]])[1]


def viterbi(emissions, lengths, transitions, start, end):
    """The best sequence of each row: tags int32 [B, T], 0 behind the end, and scores float32 [B]."""
    emissions = tf.transpose(tf.cast(emissions, tf.float32), [1, 0, 2])  # [T, B, K]
    steps, count = tf.shape(emissions)[0], tf.shape(emissions)[2]
    rows = tf.shape(emissions)[1]
    stay = tf.tile(tf.range(count)[None], [rows, 1])  # behind the end each tag comes from itself

    def step(position, best, origins):
        reached = best[:, :, None] + transitions  # [B, from, to]
        going_on = (position < lengths)[:, None]
        origin = tf.where(going_on, tf.argmax(reached, axis=1, output_type=tf.int32), stay)
        best = tf.where(going_on, tf.reduce_max(reached, axis=1) + emissions[position], best)
        return position + 1, best, origins.write(position, origin)

    origins = tf.TensorArray(tf.int32, steps, element_shape=[None, emissions.shape[2]])
    origins = origins.write(0, stay)
    _, best, origins = tf.while_loop(lambda p, *_: p < steps, step, [1, start + emissions[0], origins])
    last = tf.argmax(best + end, axis=1, output_type=tf.int32)
    origins = origins.stack()  # [T, B, K]

    def back(position, tag, tags):
        tags = tags.write(position, tag)
        return position - 1, tf.gather(origins[position], tag, batch_dims=1), tags

    tags = tf.TensorArray(tf.int32, steps, element_shape=[None])
    _, _, tags = tf.while_loop(lambda p, *_: p >= 0, back, [steps - 1, last, tags])
    tags = tf.transpose(tags.stack()) * tf.sequence_mask(lengths, steps, tf.int32)
    return tags, tf.reduce_max(best + end, axis=1)


def marginals(emissions, lengths, transitions, start, end):
    """float32 [B, T, K]: the gradient of the log partition by the emissions is the probability of each tag."""
    emissions = tf.cast(emissions, tf.float32)
    with tf.GradientTape() as tape:
        tape.watch(emissions)
        total = log_partition(emissions, lengths, transitions, start, end)
    return tape.gradient(total, emissions)
