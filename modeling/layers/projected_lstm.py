"""Long short-term memory whose output is projected to fewer numbers, with clipped cells and projections.

As in `bertline.modeling.layers.recurrent` the products with the inputs are one for all steps, and the backward loop
computes the gradients of the gates alone: each weight's gradient is one product over all steps after it.

Source: Sak et al. 2014, https://arxiv.org/abs/1402.1128, section 2; the order of the gates (input, new, forget,
output), the forget bias and the places of the clips are those of `LSTMCell` of TensorFlow 1, by which bilm-tf trains.
"""

import dataclasses

import keras
import tensorflow as tf

from bertline.modeling.speed.one_pass import one_pass

FORGET_BIAS = 1.0
FEWEST_SUMS = 4096  # sums of gates of a row; with fewer of them the call of a compiled formula takes too long


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
        steps, rows = tf.shape(inputs)[0], tf.shape(inputs)[1]
        kernel, bias = (tf.cast(weight, self.compute_dtype) for weight in (self.kernel, self.bias))
        flat = tf.reshape(tf.cast(inputs, self.compute_dtype), [steps * rows, self.input_width])
        sums = tf.nn.bias_add(tf.matmul(flat, kernel[: self.input_width]), bias)
        sums = tf.reshape(sums, [steps, rows, 4 * self.units])
        hidden, cell = self.zero_state(rows) if state is None else state
        hidden, cell = tf.cast(hidden, self.compute_dtype), tf.cast(cell, tf.float32)
        projection = None
        if self.projection is not None:
            projection = tf.cast(self.projection.kernel, self.compute_dtype)
        outputs, hidden, cell = steps_of_lstm(
            sums, kernel[self.input_width :], projection, hidden, cell, real, self.clips
        )
        return outputs, (hidden, cell)


class Kernel(keras.layers.Layer):
    """A matrix with a name of its own."""

    def build(self, shape):
        self.kernel = self.add_weight(name="kernel", shape=shape, initializer="glorot_uniform")
        self.built = True


@dataclasses.dataclass(frozen=True)
class Clips:
    """Largest absolute values; None: any."""

    cell: float | None = None
    projection: float | None = None


def steps_of_lstm(sums, recurrent_kernel, projection, hidden, cell, real, clips):
    """The recurrence alone.

    Args:
      sums: [T, B, 4 * U], inputs times kernel plus bias.
      recurrent_kernel: [P, 4 * U]. projection: [U, P], or None where P is U.
      hidden: [B, P]. cell: float32 [B, U].
      real: bool [T, B, 1]; where it is False the state stays and the output is 0.
      clips: Clips.

    Returns:
      outputs [T, B, P]; hidden [B, P]; cell float32 [B, U].
    """

    def apply(sums, recurrent_kernel, hidden, cell, projection=None):
        run = _forward(sums, recurrent_kernel, projection, hidden, cell, real, clips)

        def gradient(to_outputs, to_hidden, to_cell):
            found = _backward(to_outputs, to_hidden, to_cell, recurrent_kernel, projection, run, real, clips)
            return found if projection is not None else found[:-1]

        outputs = tf.where(real, run.hiddens[1:], tf.zeros([], sums.dtype))
        return (outputs, run.hiddens[-1], run.cells[-1]), gradient

    weights = () if projection is None else (projection,)
    return tf.custom_gradient(apply)(sums, recurrent_kernel, hidden, cell, *weights)


@dataclasses.dataclass(frozen=True)
class _Run:
    """What the backward loop needs of all steps.

    gates [T, B, 4 * U], activated; cells float32 [T + 1, B, U] and hiddens [T + 1, B, P] begin with the state before
    the first step.
    """

    gates: tf.Tensor
    cells: tf.Tensor
    hiddens: tf.Tensor


def _forward(sums, recurrent_kernel, projection, hidden, cell, real, clips):
    steps, dtype, numbers = tf.shape(sums)[0], sums.dtype, recurrent_kernel.shape[1]
    advance, shapes = _fused(_advance, numbers), (hidden.shape, cell.shape)

    def array(size, dtype, width):
        return tf.TensorArray(dtype, size, element_shape=[None, width])

    def step(position, hidden, cell, gates, cells, hiddens):
        here = real[position]
        product = tf.matmul(hidden, recurrent_kernel)
        activated, cell, output = advance(sums[position], product, cell, here, clip=clips.cell)
        if projection is not None:
            output = tf.matmul(output, projection)
            if clips.projection is not None:
                output = tf.clip_by_value(output, -clips.projection, clips.projection)
        hidden = tf.where(here, output, hidden)
        hidden.set_shape(shapes[0])
        cell.set_shape(shapes[1])
        position += 1
        return (
            position,
            hidden,
            cell,
            gates.write(position - 1, activated),
            cells.write(position, cell),
            hiddens.write(position, hidden),
        )

    start = [
        0,
        hidden,
        cell,
        array(steps, dtype, numbers),
        array(steps + 1, tf.float32, numbers // 4).write(0, cell),
        array(steps + 1, dtype, recurrent_kernel.shape[0]).write(0, hidden),
    ]
    *_, gates, cells, hiddens = tf.while_loop(lambda position, *_: position < steps, step, start)
    return _Run(gates.stack(), cells.stack(), hiddens.stack())


def _backward(to_outputs, to_hidden, to_cell, recurrent_kernel, projection, run, real, clips):
    """Gradients of (sums, recurrent_kernel, hidden, cell, projection); the last is None where there is none."""
    steps, dtype, numbers = tf.shape(run.gates)[0], run.gates.dtype, recurrent_kernel.shape[1]
    width, retreat = recurrent_kernel.shape[0], _fused(_retreat, numbers)
    hiddens, shapes = run.hiddens[1:], (to_hidden.shape, to_cell.shape)

    def step(position, to_hidden, to_cell, to_sums, to_projected):
        here = real[position]
        arriving = tf.where(here, to_hidden + to_outputs[position], tf.zeros([], dtype))
        if projection is not None and clips.projection is not None:
            inside = tf.abs(hiddens[position]) < tf.cast(clips.projection, dtype)
            arriving = tf.where(inside, arriving, tf.zeros([], dtype))
        to_output = arriving if projection is None else tf.matmul(arriving, projection, transpose_b=True)
        before, after = run.cells[position], run.cells[position + 1]
        sums, to_cell = retreat(run.gates[position], to_output, to_cell, before, after, here, clip=clips.cell)
        to_hidden = tf.where(here, tf.matmul(sums, recurrent_kernel, transpose_b=True), to_hidden)
        to_hidden.set_shape(shapes[0])
        to_cell.set_shape(shapes[1])
        return position - 1, to_hidden, to_cell, to_sums.write(position, sums), to_projected.write(position, arriving)

    def array(width):
        return tf.TensorArray(dtype, steps, element_shape=[None, width])

    start = [steps - 1, to_hidden, to_cell, array(numbers), array(width)]
    _, to_hidden, to_cell, to_sums, to_projected = tf.while_loop(lambda position, *_: position >= 0, step, start)
    to_sums = to_sums.stack()
    to_kernel = tf.matmul(_flat(run.hiddens[:-1]), _flat(to_sums), transpose_a=True)
    to_projection = None
    if projection is not None:
        units = numbers // 4
        outputs = run.gates[:, :, 3 * units :] * tf.cast(tf.tanh(run.cells[1:]), dtype)
        to_projection = tf.matmul(_flat(outputs), _flat(to_projected.stack()), transpose_a=True)
    return to_sums, to_kernel, to_hidden, to_cell, to_projection


def _flat(array):
    """[T, B, W] -> [T * B, W]."""
    return tf.reshape(array, [-1, array.shape[2]])


def _advance(inputs, product, cell, here, clip):
    """One step of the gates: (activated gates [B, 4 * U], cell float32 [B, U], output before its projection [B, U])."""
    dtype = inputs.dtype
    admit, new, keep, give = tf.split(inputs + product, 4, axis=1)
    admit, new, give = tf.sigmoid(admit), tf.tanh(new), tf.sigmoid(give)
    keep = tf.sigmoid(keep + tf.cast(FORGET_BIAS, dtype))
    moved = tf.cast(keep, tf.float32) * cell + tf.cast(admit * new, tf.float32)
    if clip is not None:
        moved = tf.clip_by_value(moved, -clip, clip)
    output = give * tf.cast(tf.tanh(moved), dtype)
    return tf.concat([admit, new, keep, give], axis=1), tf.where(here, moved, cell), output


def _retreat(gates, to_output, to_cell, before, after, here, clip):
    """The gradients of a step's sums [B, 4 * U] and of the cell before it, float32 [B, U]."""
    dtype = gates.dtype
    admit, new, keep, give = tf.split(gates, 4, axis=1)
    bent = tf.tanh(after)
    to_moved = to_cell + tf.cast(to_output * give, tf.float32) * (1.0 - bent * bent)
    to_moved = tf.where(here if clip is None else here & (tf.abs(after) < clip), to_moved, 0.0)
    narrow = tf.cast(to_moved, dtype)
    sums = tf.concat(
        [
            narrow * new * admit * (1 - admit),
            narrow * admit * (1 - new * new),
            tf.cast(to_moved * before, dtype) * keep * (1 - keep),
            to_output * tf.cast(bent, dtype) * give * (1 - give),
        ],
        axis=1,
    )
    return sums, tf.where(here, to_moved * tf.cast(keep, tf.float32), to_cell)


_FUSED = {formula: one_pass(worth_padding=True)(formula) for formula in (_advance, _retreat)}


def _fused(formula, numbers):
    return _FUSED[formula] if numbers >= FEWEST_SUMS else formula
