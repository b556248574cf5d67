"""What a student learns from the layers of its teacher: hidden states and attention.

Source: Jiao et al. 2020 (TinyBERT), https://arxiv.org/abs/1909.10351, section 3.1, equations 7 to 9.
"""

import keras
import tensorflow as tf

from bertline.errors import InputError
from bertline.modeling.transformer.attention import attention_scores


class LayerMatching:
    """Layer m of M of the student learns from layer g(m) = m N / M of N of the teacher; 0 are the embeddings.

    Values are means over the real tokens of a row, so that padding counts nothing, summed over the layers.

    Args:
      student, teacher: Encoders. path: of the teacher, for messages.
      states, attention: how much the errors of hidden states and of scores of attention count; 0: they do not.

    Raises:
      InputError: N is no multiple of M; there is no attention, or of another number of heads; layers of several widths;
        a student that reads windows.
    """

    def __init__(self, student, teacher, path, states, attention):
        self._student, self._teacher, self._path = student, teacher, path
        self._states, self._attention = states, attention
        self.projections: dict[str, keras.Variable] = {}
        if student.rows_layout is not None:
            raise InputError(
                f"--teacher={path}: --teacher_states and --teacher_attention compare the layers of a text, and this "
                "student reads several windows of it; leave them out, or --windows"
            )
        mine, theirs = student.num_layers, teacher.num_layers
        if not mine or theirs % mine:
            raise InputError(
                f"--teacher={path}: {theirs} layers, the student has {mine}; layers of the teacher are shared out "
                f"evenly, so a student with {', '.join(map(str, divisors(theirs)))} is needed"
            )
        self._every = theirs // mine
        if states:
            self._make_projections()
        if attention:
            self._check_heads()

    def _make_projections(self):
        """A matrix [width, the teacher's] of the embeddings and one of all other layers, where the widths differ."""
        mine, theirs = (sorted(set(one.config.layer_widths())) for one in (self._student, self._teacher))
        if len(mine) > 1 or len(theirs) > 1:
            raise InputError(
                f"--teacher_states: layers of several widths ({mine} here, {theirs} in --teacher={self._path}) cannot "
                "be matched; leave it out"
            )
        if mine != theirs:
            start = keras.initializers.TruncatedNormal(stddev=self._student.config.stddev)
            for name in ("embeddings", "layers"):
                shape = (mine[0], theirs[0])
                self.projections[name] = keras.Variable(start, shape=shape, dtype="float32", name=f"project_{name}")

    def _check_heads(self):
        mine, theirs = (
            [layer.sizes.num_heads for layer in one.attention_layers()] for one in (self._student, self._teacher)
        )
        if len(mine) != self._student.num_layers or len(theirs) != self._teacher.num_layers:
            raise InputError(
                f"--teacher_attention: the student or --teacher={self._path} has no attention; leave it out"
            )
        if set(mine) != set(theirs):
            raise InputError(
                f"--teacher={self._path}: {theirs[0]} heads of attention, the student has {mine[0]}; "
                "--teacher_attention compares head with head, so give the student as many, or leave it out"
            )

    def __call__(self, mine, theirs, num_rows):
        """float32 [B]; mine, theirs: lists of States, of the same calls of both encoders, each of a multiple of B."""
        found = [self._of_call(*both) for both in zip(mine, theirs)]
        # Several texts of a row stand below each other.
        return tf.add_n([tf.reduce_mean(tf.reshape(values, [-1, num_rows]), axis=0) for values in found])

    def _of_call(self, mine, theirs):
        real = tf.cast(mine.mask, tf.float32)  # [B, T]
        values = []
        for m, states in enumerate(mine.layers if self._states else ()):
            wanted = tf.cast(theirs.layers[m * self._every], tf.float32)
            error = tf.reduce_mean(tf.square(self._project(states, m) - wanted), axis=2)  # [B, T]
            values.append(self._states * _mean(error, real))
        pairs = real[:, :, None] * real[:, None, :]  # [B, T, T]
        layers = zip(self._student.attention_layers(), self._teacher.attention_layers()[self._every - 1 :: self._every])
        for m, (layer, above) in enumerate(layers if self._attention else (), 1):
            found = attention_scores(layer, mine.layers[m - 1])
            wanted = attention_scores(above, theirs.layers[m * self._every - 1])
            error = tf.square(tf.cast(found, tf.float32) - tf.stop_gradient(tf.cast(wanted, tf.float32)))
            values.append(self._attention * _mean(tf.reduce_mean(error, axis=1), pairs))
        return tf.add_n(values)

    def _project(self, states, layer):
        states = tf.cast(states, tf.float32)
        if not self.projections:
            return states
        kernel = self.projections["layers" if layer else "embeddings"].value
        rows = tf.matmul(tf.reshape(states, [-1, states.shape[2]]), kernel)
        return tf.reshape(rows, [-1, tf.shape(states)[1], kernel.shape[1]])


def divisors(number):
    """What an int can be divided by: list of int."""
    return [one for one in range(1, number + 1) if number % one == 0]


def _mean(values, mask):
    """float32 [B, ...] twice -> [B]; 0 where nothing is real."""
    axes = list(range(1, len(values.shape)))
    return tf.math.divide_no_nan(tf.reduce_sum(values * mask, axis=axes), tf.reduce_sum(mask, axis=axes))
