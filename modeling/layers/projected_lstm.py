"""Long short-term memory whose output is projected to fewer numbers, with clipped cells and projections.

As in `bertline.modeling.layers.recurrent` the products with the inputs are one for all steps, and the backward loop
computes the gradients of the gates alone: each weight's gradient is one product over all steps after it.

Source: Sak et al. 2014, https://arxiv.org/abs/1402.1128, section 2; the order of the gates (input, new, forget,
output), the forget bias and the places of the clips are those of `LSTMCell` of TensorFlow 1, by which bilm-tf trains.
"""

import dataclasses

import keras
import tensorflow as tf

from bertline.modeling.layers.projected_lstm_step import COMPILED, PLAIN, Clips
from bertline.modeling.speed.one_pass import few_compilations, padded_length

FEWEST_UNITS = 256  # with fewer of them the call of a compiled formula takes too long


class ProjectedLSTM(keras.layers.Layer):
    """[T, B, D] -> [T, B, P] and the state after the last real step of each row. One direction, in the order of time.

    Weights: kernel [D + P, 4 * units], for inputs and then for hidden states; bias [4 * units]; projection/kernel
    [units, P], none where P is `units`.

    Args:
      units: int. projection_size: int, P.
      cell_clip, projection_clip: largest absolute value of a cell, and of what a projection gives; None: any.
    """

    def __init__(self, units, projection_size, cell_clip=None, projection_clip=None, **kwargs):
        super().__init__(**kwargs)
        self.units, self.projection_size = units, projection_size
        self.clips = Clips(cell_clip, projection_clip)
        self.projection = Kernel(name="projection", dtype=self.dtype_policy) if projection_size != units else None

    def build(self, input_width):
        self.input_width = input_width
        self.kernel = self.add_weight(
            name="kernel", shape=(input_width + self.projection_size, 4 * self.units), initializer="glorot_uniform"
        )
        self.bias = self.add_weight(name="bias", shape=(4 * self.units,), initializer="zeros")
        if self.projection is not None:
            self.projection.build((self.units, self.projection_size))
        self.built = True

    def zero_state(self, rows):
        """(hidden [rows, P], cell float32 [rows, units]) of zeros."""
        return tf.zeros([rows, self.projection_size], self.compute_dtype), tf.zeros([rows, self.units])

    def call(self, inputs, real, state=None):
        """Runs over all steps.

        Args:
          inputs: [T, B, D]. real: bool [T, B, 1]; at padding, wherever it is, the state stays as it is.
          state: of an earlier call, or None: zeros.

        Returns:
          outputs [T, B, P], 0 at padding; state.
        """
        rows = tf.shape(inputs)[1]
        kernel, bias = (tf.cast(weight, self.compute_dtype) for weight in (self.kernel, self.bias))
        projection = None if self.projection is None else tf.cast(self.projection.kernel, self.compute_dtype)
        hidden, cell = self.zero_state(rows) if state is None else state
        hidden, cell = tf.cast(hidden, self.compute_dtype), tf.cast(cell, tf.float32)
        formulas, missing = PLAIN, 0
        if self.units >= FEWEST_UNITS and few_compilations():
            formulas, missing = COMPILED, padded_length(rows) - rows  # few lengths are compiled
        inputs, real = (
            tf.pad(one, [[0, 0], [0, missing], [0, 0]]) for one in (tf.cast(inputs, self.compute_dtype), real)
        )
        hidden, cell = (tf.pad(one, [[0, missing], [0, 0]]) for one in (hidden, cell))
        outputs, hidden, cell = steps_of_lstm(
            inputs, kernel, bias, projection, hidden, cell, real, self.clips, formulas
        )
        return outputs[:, :rows], (hidden[:rows], cell[:rows])


class Kernel(keras.layers.Layer):
    """A matrix with a name of its own."""

    def build(self, shape):
        self.kernel = self.add_weight(name="kernel", shape=shape, initializer="glorot_uniform")
        self.built = True


def steps_of_lstm(inputs, kernel, bias, projection, hidden, cell, real, clips, formulas):
    """Products, recurrence and their gradients.

    Args:
      inputs: [T, B, D]. kernel: [D + P, 4 * U]. bias: [4 * U]. projection: [U, P], or None where P is U.
      hidden: [B, P]. cell: float32 [B, U].
      real: bool [T, B, 1]; where it is False the state stays and the output is 0.
      clips: Clips. formulas: Formulas, of a step.

    Returns:
      outputs [T, B, P]; hidden [B, P]; cell float32 [B, U].
    """

    def apply(inputs, kernel, bias, hidden, cell, projection=None):
        weights = _Weights(kernel[: inputs.shape[2]], kernel[inputs.shape[2] :], bias, projection)
        run = _forward(inputs, weights, hidden, cell, real, clips, formulas.advance)

        def gradient(to_outputs, to_hidden, to_cell):
            found = _backward(to_outputs, to_hidden, to_cell, inputs, weights, run, real, clips, formulas.retreat)
            return found if projection is not None else found[:-1]

        outputs = tf.where(real, run.hiddens[1:], tf.zeros([], inputs.dtype))
        return (outputs, run.hiddens[-1], run.cell), gradient

    weights = () if projection is None else (projection,)
    return tf.custom_gradient(apply)(inputs, kernel, bias, hidden, cell, *weights)


@dataclasses.dataclass(frozen=True)
class _Weights:
    """inputs [D, 4 * U] and hidden [P, 4 * U], the parts of a kernel; bias [4 * U]; projection [U, P] or None."""

    inputs: tf.Tensor
    hidden: tf.Tensor
    bias: tf.Tensor
    projection: tf.Tensor | None


@dataclasses.dataclass(frozen=True)
class _Run:
    """What the backward loop needs of all steps, and the last cell.

    gates: array of [B, 4 * U], activated. cells: array of float32 [B, U] and hiddens [T + 1, B, P]; both begin with the
    state before the first step. Arrays are read step by step, so that nobody copies them into one tensor.
    """

    gates: tf.TensorArray
    cells: tf.TensorArray
    hiddens: tf.Tensor
    cell: tf.Tensor


def _array(size, dtype, width):
    return tf.TensorArray(dtype, size, element_shape=[None, width], clear_after_read=False)


def _forward(inputs, weights, hidden, cell, real, clips, advance):
    steps, dtype, numbers = tf.shape(inputs)[0], inputs.dtype, weights.hidden.shape[1]
    sums = tf.nn.bias_add(tf.matmul(_flat(inputs), weights.inputs), weights.bias)
    sums, shapes = tf.reshape(sums, [steps, -1, numbers]), (hidden.shape, cell.shape)

    def step(position, hidden, cell, gates, cells, hiddens):
        here = real[position]
        product = tf.matmul(hidden, weights.hidden)
        activated, cell, output = advance(sums[position], product, cell, here, clip=clips.cell)
        if weights.projection is not None:
            output = tf.matmul(output, weights.projection)
            if clips.projection is not None:
                output = tf.clip_by_value(output, -clips.projection, clips.projection)
        hidden = tf.where(here, output, hidden)
        hidden.set_shape(shapes[0])
        cell.set_shape(shapes[1])
        gates, cells = gates.write(position, activated), cells.write(position + 1, cell)
        return position + 1, hidden, cell, gates, cells, hiddens.write(position + 1, hidden)

    start = [
        0,
        hidden,
        cell,
        _array(steps, dtype, numbers),
        _array(steps + 1, tf.float32, numbers // 4).write(0, cell),
        _array(steps + 1, dtype, weights.hidden.shape[0]).write(0, hidden),
    ]
    _, _, cell, gates, cells, hiddens = tf.while_loop(lambda position, *_: position < steps, step, start)
    return _Run(gates, cells, hiddens.stack(), cell)


def _backward(to_outputs, to_hidden, to_cell, inputs, weights, run, real, clips, retreat):
    """Gradients of (inputs, kernel, bias, hidden, cell, projection); the last is None where there is none."""
    steps, dtype, numbers = tf.shape(inputs)[0], inputs.dtype, weights.hidden.shape[1]
    width, projection = weights.hidden.shape[0], weights.projection
    hiddens, shapes = run.hiddens[1:], (to_hidden.shape, to_cell.shape)

    def step(position, to_hidden, to_cell, to_sums, outputs, to_projected):
        here = real[position]
        arriving = tf.where(here, to_hidden + to_outputs[position], tf.zeros([], dtype))
        if projection is not None and clips.projection is not None:
            inside = tf.abs(hiddens[position]) < tf.cast(clips.projection, dtype)
            arriving = tf.where(inside, arriving, tf.zeros([], dtype))
        to_output = arriving if projection is None else tf.matmul(arriving, projection, transpose_b=True)
        before, after = run.cells.read(position), run.cells.read(position + 1)
        sums, to_cell, output = retreat(
            run.gates.read(position), to_output, to_cell, before, after, here, clip=clips.cell
        )
        to_hidden = tf.where(here, tf.matmul(sums, weights.hidden, transpose_b=True), to_hidden)
        to_hidden.set_shape(shapes[0])
        to_cell.set_shape(shapes[1])
        to_sums = to_sums.write(position, sums)
        if projection is not None:
            outputs, to_projected = outputs.write(position, output), to_projected.write(position, arriving)
        return position - 1, to_hidden, to_cell, to_sums, outputs, to_projected

    arrays = [_array(steps, dtype, size) for size in (numbers, numbers // 4, width)]
    start = [steps - 1, to_hidden, to_cell, *arrays]
    found = tf.while_loop(lambda position, *_: position >= 0, step, start)
    _, to_hidden, to_cell, *arrays = found
    to_sums = arrays[0].concat()  # [T * B, 4 * U]
    to_inputs = tf.reshape(tf.matmul(to_sums, weights.inputs, transpose_b=True), tf.shape(inputs))
    # One product for the whole kernel, and for the bias, which is the kernel of a column of ones.
    rows = tf.concat([_flat(inputs), _flat(run.hiddens[:-1]), tf.ones([tf.shape(to_sums)[0], 1], dtype)], axis=1)
    to_weights = tf.matmul(rows, to_sums, transpose_a=True)
    to_projection = None
    if projection is not None:
        to_projection = tf.matmul(arrays[1].concat(), arrays[2].concat(), transpose_a=True)
    return to_inputs, to_weights[:-1], to_weights[-1], to_hidden, to_cell, to_projection


def _flat(array):
    """[T, B, W] -> [T * B, W]."""
    return tf.reshape(array, [-1, array.shape[2]])
