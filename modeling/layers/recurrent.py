"""Long short-term memory over padded sequences, with a gradient of its own and a state that can be carried on.

The products with the inputs are one for all steps. The forward loop keeps gates and cells; the backward loop computes
the gradients of the gates only, and each weight's gradient is one product over all steps after it, where TensorFlow's
own gradient multiplies and adds at every step.

Source: Hochreiter & Schmidhuber 1997, with forget gates (Gers et al. 2000); gates in the order input, forget, cell,
output, as in Keras and torch.
"""

import keras
import tensorflow as tf

from bertline.modeling.layers.dense import initializer


class LSTM(keras.layers.Layer):
    """[B, T, D] -> [B, T, units] and the state after the last real token of each row.

    Weights: kernel [D, 4 * units], recurrent_kernel [units, 4 * units], bias [4 * units].

    Args:
      units: int.
      backward: read each sequence from its last real token to its first.
      stddev: of the initial kernels; None: uniform in 1 / sqrt(units), as torch begins.
    """

    def __init__(self, units, backward=False, stddev=None, **kwargs):
        super().__init__(**kwargs)
        self.units, self.backward, self.stddev = units, backward, stddev

    def build(self, input_width):
        bound = self.units**-0.5
        start = keras.initializers.RandomUniform(-bound, bound) if self.stddev is None else initializer(self.stddev)

        def weight(name, shape):
            return self.add_weight(name=name, shape=shape, initializer=start)

        self.kernel = weight("kernel", (input_width, 4 * self.units))
        self.recurrent_kernel = weight("recurrent_kernel", (self.units, 4 * self.units))
        self.bias = weight("bias", (4 * self.units,))
        self.built = True

    def zero_state(self, rows):
        """(hidden [rows, units], cell float32 [rows, units]) of zeros."""
        return tf.zeros([rows, self.units], self.compute_dtype), tf.zeros([rows, self.units])

    def call(self, inputs, real, state=None, recurrent_kernel=None):
        """Runs over all steps.

        Args:
          inputs: [B, T, D]. real: bool [B, T]; at padding, wherever it is, the state stays as it is.
          state: of an earlier call, or None: zeros.
          recurrent_kernel: to be used in place of the weight (with some of its numbers dropped); None: the weight.

        Returns:
          outputs [B, T, units], 0 at padding; state.
        """
        inputs = tf.cast(inputs, self.compute_dtype)
        rows, steps = tf.shape(inputs)[0], tf.shape(inputs)[1]
        if self.backward:  # padding, which now comes first, leaves the state at its start
            inputs, real = tf.reverse(inputs, [1]), tf.reverse(real, [1])
        flat = tf.reshape(tf.transpose(inputs, [1, 0, 2]), [-1, inputs.shape[2]])  # [T * B, D]
        projected = tf.nn.bias_add(
            tf.matmul(flat, tf.cast(self.kernel, self.compute_dtype)), tf.cast(self.bias, self.compute_dtype)
        )
        projected = tf.reshape(projected, [steps, rows, 4 * self.units])
        weight = self.recurrent_kernel if recurrent_kernel is None else recurrent_kernel
        hidden, cell = self.zero_state(rows) if state is None else state
        # Keras casts what it hands to a layer of half precision; the cell of another batch goes on in float32.
        hidden, cell = tf.cast(hidden, self.compute_dtype), tf.cast(cell, tf.float32)
        outputs, hidden, cell = steps_of_lstm(projected, tf.cast(weight, self.compute_dtype), hidden, cell, real)
        outputs = tf.transpose(outputs, [1, 0, 2])
        if self.backward:
            outputs = tf.reverse(outputs, [1])
        return outputs, (hidden, cell)


class BidirectionalLSTM(keras.layers.Layer):
    """[B, T, D] -> [B, T, 2 * units], forward beside backward, and the last state of each direction.

    A loop for each direction: TensorFlow runs them side by side, and one loop over both is slower on a CPU, since its
    products are those of batches of matrices.

    Args:
      units: int, of each direction.
      stddev: see LSTM.
    """

    def __init__(self, units, stddev=None, **kwargs):
        super().__init__(**kwargs)
        self.units = units
        self.directions = [
            LSTM(units, backward=name == "backward", stddev=stddev, name=name, dtype=self.dtype_policy)
            for name in ("forward", "backward")
        ]

    def build(self, input_width):
        for lstm in self.directions:
            lstm.build(input_width)
        self.built = True

    def call(self, inputs, real, recurrent_kernels=(None, None)):
        """Runs over all steps; the arguments are those of LSTM, with a recurrent kernel for each direction.

        Returns:
          outputs [B, T, 2 * units], 0 at padding; (hidden [B, 2 * units], cell float32 [B, 2 * units]).
        """
        found = [
            lstm(inputs, real=real, recurrent_kernel=kernel) for lstm, kernel in zip(self.directions, recurrent_kernels)
        ]
        outputs, states = zip(*found)
        return tf.concat(outputs, axis=-1), tuple(tf.concat(one, axis=-1) for one in zip(*states))


def steps_of_lstm(projected, recurrent_kernel, hidden, cell, real):
    """The recurrence alone.

    Args:
      projected: [T, B, 4 * H], inputs times kernel plus bias.
      recurrent_kernel: [H, 4 * H]. hidden: [B, H]. cell: float32 [B, H].
      real: bool [B, T]; where it is False the state stays and the output is 0.

    Returns:
      outputs [T, B, H]; hidden [B, H]; cell float32 [B, H].
    """
    real = tf.transpose(real)[:, :, None]  # [T, B, 1]

    @tf.custom_gradient
    def run(projected, recurrent_kernel, hidden, cell):
        outputs, gates, cells, hiddens = _forward(projected, recurrent_kernel, hidden, cell, real)

        def gradient(to_outputs, to_hidden, to_cell):
            return _backward(
                to_outputs, to_hidden, to_cell, recurrent_kernel, gates, cells, hiddens, hidden, cell, real
            )

        return (outputs, hiddens[-1], cells[-1]), gradient

    return run(projected, recurrent_kernel, hidden, cell)


def _forward(projected, recurrent_kernel, hidden, cell, real):
    """Outputs, activated gates [T, B, 4 * H], cells float32 [T, B, H] and hidden states [T, B, H] of every step."""
    steps, dtype = tf.shape(projected)[0], projected.dtype
    width = recurrent_kernel.shape[0]

    def array(dtype, numbers):
        return tf.TensorArray(dtype, steps, element_shape=[None, numbers])

    def step(position, hidden, cell, gates, cells, hiddens):
        sums = projected[position] + tf.matmul(hidden, recurrent_kernel)
        admit, keep, new, give = tf.split(sums, 4, axis=1)
        admit, keep, new, give = tf.sigmoid(admit), tf.sigmoid(keep), tf.tanh(new), tf.sigmoid(give)
        moved = tf.cast(keep, tf.float32) * cell + tf.cast(admit * new, tf.float32)
        cell = tf.where(real[position], moved, cell)
        hidden = tf.where(real[position], give * tf.cast(tf.tanh(moved), dtype), hidden)
        gates = gates.write(position, tf.concat([admit, keep, new, give], axis=1))
        return position + 1, hidden, cell, gates, cells.write(position, cell), hiddens.write(position, hidden)

    start = [0, hidden, cell, array(dtype, 4 * width), array(tf.float32, width), array(dtype, width)]
    *_, gates, cells, hiddens = tf.while_loop(lambda position, *_: position < steps, step, start)
    hiddens = hiddens.stack()
    return tf.where(real, hiddens, tf.zeros([], dtype)), gates.stack(), cells.stack(), hiddens


def _backward(to_outputs, to_hidden, to_cell, recurrent_kernel, gates, cells, hiddens, hidden, cell, real):
    """Gradients of (projected, recurrent_kernel, hidden, cell)."""
    steps, dtype, width = tf.shape(gates)[0], gates.dtype, recurrent_kernel.shape[0]
    # The states that each step began with.
    before = tf.concat([cell[None], cells[:-1]], axis=0), tf.concat([hidden[None], hiddens[:-1]], axis=0)

    def step(position, to_hidden, to_cell, to_sums):
        admit, keep, new, give = tf.split(gates[position], 4, axis=1)
        here = real[position]
        arriving = tf.where(here, to_hidden + to_outputs[position], tf.zeros([], dtype))
        bent = tf.tanh(cells[position])
        wide = tf.cast(arriving, tf.float32)
        to_moved = tf.where(here, to_cell + wide * tf.cast(give, tf.float32) * (1.0 - bent * bent), 0.0)
        narrow = tf.cast(to_moved, dtype)
        sums = tf.concat(
            [
                narrow * new * admit * (1 - admit),
                tf.cast(to_moved * before[0][position], dtype) * keep * (1 - keep),
                narrow * admit * (1 - new * new),
                arriving * tf.cast(bent, dtype) * give * (1 - give),
            ],
            axis=1,
        )
        to_hidden = tf.where(here, tf.matmul(sums, recurrent_kernel, transpose_b=True), to_hidden)
        to_cell = tf.where(here, to_moved * tf.cast(keep, tf.float32), to_cell)
        return position - 1, to_hidden, to_cell, to_sums.write(position, sums)

    to_sums = tf.TensorArray(dtype, steps, element_shape=[None, 4 * width])
    _, to_hidden, to_cell, to_sums = tf.while_loop(
        lambda position, *_: position >= 0, step, [steps - 1, to_hidden, to_cell, to_sums]
    )
    to_sums = to_sums.stack()  # [T, B, 4 * H]
    flat = tf.reshape(to_sums, [-1, 4 * width])
    to_kernel = tf.matmul(tf.reshape(before[1], [-1, width]), flat, transpose_a=True)
    return to_sums, to_kernel, to_hidden, to_cell
