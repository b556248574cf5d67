"""A trained model at work: its weights in the precision that they are multiplied in, laid out once where that pays.

On a CPU a product in half precision that is fused with what follows it takes 0.6 times as long where its weights are
constants of the graph: oneDNN lays constants out for its matrix units once, and multiplies variables by an older
routine. In float32 only a single short text gains by that. Constants have their price: with 21 MB of them (6 layers of
384) a graph takes one to two seconds more to make, with 163 MB (BERT-base) nine, and 3 GB for that time.
"""

import functools
import itertools
import math
import zlib

import keras
import numpy as np
import tensorflow as tf

from bertline.modeling.speed.one_pass import on_cpu

BATCH_TOKENS = 4096  # on a CPU smaller batches waste time: a product of so many rows uses all of a core
# Bytes of a graph's constants, and of those in half precision, where one graph serves as long as the process lives. A
# graph cannot hold 2 GiB.
MOST_CONSTANT_BYTES, MOST_CONSTANT_HALF_BYTES = 1 << 28, 1 << 30
# So many tokens are computed with the same weights before they become constants, where weights may change: about here
# both ways took the same time, on two cores, for the smaller of the models above.
FEWEST_TOKENS = 60_000


def batch_tokens(given):
    """Tokens of a batch: those that a device was said to hold, on a CPU BATCH_TOKENS at least."""
    return max(given, BATCH_TOKENS) if on_cpu() else given


def graph(model, function, *spec):
    """The concrete function of `function`, with the weights that the model has now.

    Args:
      model: a built Keras layer. function: tensors, as `spec` has them -> nest of tensors.
    """
    weights = Weights(model, MOST_CONSTANT_HALF_BYTES if in_half_precision(model) else MOST_CONSTANT_BYTES)

    def compute(*arguments):
        with weights.scope():
            return function(*arguments)

    traced = tf.function(compute, autograph=False).get_concrete_function(*spec)
    traced.weights = weights  # copies among them live as long as someone holds them
    return traced


def in_half_precision(model):
    return any(dtype.size == 2 for _, dtype in _find_dtypes(model))


def fingerprint(model):
    """A checksum, int, of all weights."""
    total = 0
    for variable in model.variables:
        total = zlib.crc32(np.ascontiguousarray(variable.numpy()), total)
    return total


def _sums(model):
    """What tells the weights of one step of a training from those of another: tuple of int, quicker than a checksum."""
    kinds = {4: tf.int32, 2: tf.int16}
    bits = [tf.bitcast(tf.convert_to_tensor(v), kinds[v.value.dtype.size]) for v in model.variables]
    return tuple(int(tf.reduce_sum(tf.cast(one, tf.int32))) for one in bits)


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
        for variable, dtype in _find_dtypes(model):
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
        self._variables, self._constants = None, None
        self._seen, self._tokens = None, 0  # of the weights; computed with them
        alone = self._strategy.num_replicas_in_sync == 1
        may = constants and alone and not jit_compile and on_cpu() and in_half_precision(model)
        self._may_be_constants = may and _constant_bytes(model) <= MOST_CONSTANT_BYTES

    def look_ahead(self, batches):
        """(tokens of the first batches, as far as `graph` asks for them; an iterable of all batches)."""
        if not self._may_be_constants:
            return 0, batches
        first, tokens, rest = [], 0, iter(batches)
        for batch in rest:
            first.append(batch)
            tokens += max(math.prod(value.shape) for value in batch.values() if value.dtype.is_integer)
            if tokens >= FEWEST_TOKENS:
                break
        return tokens, itertools.chain(first, rest)

    def graph(self, function, tokens, *spec):
        """A tf.function with the weights that the model has now; good until the next call, while this object lives.

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
        if self._may_be_constants:
            self._count(tokens)
        if self._constants:
            return self._constants
        if self._variables is None:
            with self._strategy.scope():
                self._variables = Weights(self._model)
        elif not self._may_be_constants:
            self._variables.update()
        return self._variables

    def _count(self, tokens):
        """Makes constants of weights that enough is computed with, drops those of weights that have changed."""
        found = _sums(self._model)
        if found != self._seen:
            if self._constants:
                self._constants.graphs.clear()  # they hold each other
            self._constants, self._seen, self._tokens = None, found, 0
            if self._variables:
                self._variables.update()
        self._tokens += tokens
        if self._constants is None and self._tokens >= FEWEST_TOKENS:
            # Variables stay for the weights of the next evaluation: their graphs are traced already.
            self._constants = Weights(self._model, MOST_CONSTANT_BYTES)


def is_table(variable):
    """Whether rows of it are looked up: products of a graph with all of it are few, and it is large."""
    return variable.path.endswith("_embeddings")


def _find_dtypes(model):
    """(variable, dtype that it is used in) of each weight.

    Matrices of layers that compute in another precision than they keep weights in are cast; vectors stay as they are:
    casting one costs nothing, and layer norms use theirs in float32.
    """
    found = {}
    for layer in model._flatten_layers():  # what a layer is made of comes after it
        for variable in layer.variables:
            is_cast = len(variable.shape) > 1 and variable.dtype == layer.variable_dtype
            found[id(variable)] = variable, tf.as_dtype(layer.compute_dtype if is_cast else variable.dtype)
    return found.values()


def _constant_bytes(model):
    return sum(math.prod(v.shape) * dtype.size for v, dtype in _find_dtypes(model) if not is_table(v))
