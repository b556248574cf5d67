"""A trained model at work: its weights in the precision that they are multiplied in, laid out once where that pays.

On a CPU TensorFlow fuses a product in half precision with what follows it and computes it in 0.6 times the time where
the weights are constants of the graph. In float32 only a single short text gains by that. A constant has its price: a
graph with 20 MB of them takes half a second longer to make, one with 160 MB nine seconds and, for that time, 2 GB.
"""

import functools
import itertools
import math
import zlib

import keras
import numpy as np
import tensorflow as tf

from modeling.one_pass import on_cpu

BATCH_TOKENS = 4096  # on a CPU smaller batches waste time: a product of so many rows uses all of a core
# Bytes of a graph's constants, and of those in half precision, where one graph serves as long as the process lives. A
# graph cannot hold 2 GiB.
MOST_CONSTANT_BYTES, MOST_CONSTANT_HALF_BYTES = 1 << 28, 1 << 30
# Where weights change a graph with constants is made for so many tokens, and more for each byte of them. Measured: it
# is even with one of variables at 50,000 tokens for 21 MB and 120,000 for 163 MB.
FEWEST_TOKENS, BYTES_PER_TOKEN = 40_000, 2_000


def batch_tokens(given):
    """Tokens of a batch: those that a device was said to hold, on a CPU BATCH_TOKENS at least."""
    return max(given, BATCH_TOKENS) if on_cpu() else given


def graph(model, function, *spec):
    """The concrete function of `function`, with the weights that the model has now.

    Args:
      model: a built Keras layer. function: tensors, as `spec` has them -> nest of tensors.
    """
    weights = Weights(model, MOST_CONSTANT_HALF_BYTES if in_half_precision(model) else MOST_CONSTANT_BYTES)

    def computed(*arguments):
        with weights.scope():
            return function(*arguments)

    return tf.function(computed, autograph=False).get_concrete_function(*spec)


def in_half_precision(model):
    return any(dtype.size == 2 for _, dtype in _used_as(model))


def fingerprint(model):
    """A checksum, int, of all weights."""
    total = 0
    for variable in model.variables:
        total = zlib.crc32(np.ascontiguousarray(variable.numpy()), total)
    return total


class Weights:
    """What stands for a model's weights in graphs of inference.

    Matrices have the precision that they are multiplied in; training keeps float32 ones beside half precision.

    Args:
      model: a built Keras layer.
      most_constant_bytes: weights that are not only looked up in become constants if they are not more than that.
    """

    def __init__(self, model, most_constant_bytes=0):
        self.graphs = {}  # function -> tf.function, for who makes several
        self._constants, self._copies = [], []
        constant = _constant_bytes(model) <= most_constant_bytes
        for variable, dtype in _used_as(model):
            if constant and not is_table(variable):
                self._constants.append((variable, tf.cast(variable, dtype).numpy()))
            elif dtype != variable.dtype:
                self._copies.append((variable, tf.Variable(tf.cast(variable, dtype), trainable=False)))

    def update(self):
        """Copies the model's weights as they are now; constants stay."""
        for variable, copy in self._copies:
            copy.assign(tf.cast(variable, copy.dtype))

    def scope(self):
        """Within it the model computes with these weights."""
        scope = keras.StatelessScope()
        for variable, array in self._constants:
            scope.add_update((variable, tf.constant(array)))
        for variable, copy in self._copies:
            scope.add_update((variable, copy))
        return scope


class Inference:
    """Graphs of a model whose weights may change, for data of any length.

    Args:
      model: a built Keras layer.
      jit_compile: compile by XLA.
      constants: whether weights may become constants, where it pays. Several replicas always have variables.
    """

    def __init__(self, model, jit_compile=False, constants=True):
        self._model, self._jit_compile, self._strategy = model, jit_compile, tf.distribute.get_strategy()
        self._variables, self._constants, self._fingerprint = None, None, None
        alone = self._strategy.num_replicas_in_sync == 1
        self._fewest_tokens = math.inf
        size = _constant_bytes(model)
        may = constants and alone and not jit_compile and on_cpu() and size <= MOST_CONSTANT_BYTES
        if may and in_half_precision(model):
            self._fewest_tokens = FEWEST_TOKENS + size // BYTES_PER_TOKEN

    def look_ahead(self, batches):
        """(tokens of the first batches, as far as `graph` asks for them; an iterable of all batches)."""
        if self._fewest_tokens == math.inf:
            return 0, batches
        first, tokens, rest = [], 0, iter(batches)
        for batch in rest:
            first.append(batch)
            tokens += max(math.prod(value.shape) for value in batch.values() if value.dtype.is_integer)
            if tokens >= self._fewest_tokens:
                break
        return tokens, itertools.chain(first, rest)

    def graph(self, function, tokens, *spec):
        """A tf.function with the weights that the model has now; the next call may change them.

        Args:
          function: called with a function that gives the scope to compute in, and with the graph's arguments.
          tokens: so many, real or padding, will be computed, or more.
          spec: of the arguments, for one graph whatever their shapes are; without it one is traced for each.
        """
        weights = self._weights(tokens)
        if function not in weights.graphs:
            weights.graphs[function] = tf.function(
                functools.partial(function, weights.scope), jit_compile=self._jit_compile, autograph=False
            )
        graph = weights.graphs[function]
        return graph.get_concrete_function(*spec) if spec else graph

    def _weights(self, tokens):
        if self._constants and self._fingerprint != fingerprint(self._model):
            self._constants.graphs.clear()  # they hold each other
            self._constants = None
        if self._constants is None and tokens >= self._fewest_tokens:
            self._constants, self._fingerprint = Weights(self._model, MOST_CONSTANT_BYTES), fingerprint(self._model)
        if self._constants:
            return self._constants
        if self._variables is None:
            with self._strategy.scope():
                self._variables = Weights(self._model)
        else:
            self._variables.update()
        return self._variables


def is_table(variable):
    """Whether rows of it are looked up and it is multiplied with nothing, or with few rows."""
    return variable.path.endswith("_embeddings")


def _used_as(model):
    """(variable, dtype that it is used in) of each weight.

    Matrices are cast; vectors stay as they are: casting one costs nothing, and layer norms use theirs in float32.
    """
    found = {}
    for layer in model._flatten_layers():  # what a layer is made of comes after it
        for variable in layer.variables:
            dtype = layer.compute_dtype if len(variable.shape) > 1 else variable.dtype
            found[id(variable)] = variable, tf.as_dtype(dtype)
    return found.values()


def _constant_bytes(model):
    return sum(math.prod(v.shape) * dtype.size for v, dtype in _used_as(model) if not is_table(v))
