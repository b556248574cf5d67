"""A forward pass of a batch in training, and how to make another one of the same batch."""

import contextlib
from collections.abc import Callable

import keras
import tensorflow as tf

from bertline.modeling.layers.dropout import DropoutKey
from bertline.modeling.objective import Objective
from bertline.modeling.recording import States, record_states

# Children of a step's key that no layer takes.
PASSES = 1_000_000
IDS = "input_ids"


class Forward:
    """The pass that the objective's own loss is computed of.

    Args:
      objective: an Objective.
      call: (features, DropoutKey) -> the objective's outputs.
      features: name -> tensor, of the batch.
      key: DropoutKey of the step.
      watch: of a tape, where `word_vectors` are wanted: each word of each text then has a vector of its own; or None.
      records: whether `states` are wanted.

    Attributes:
      objective, features: as given.
      outputs: of the objective.
      losses: term of the objective -> values.
      states: list of States, of each call of the encoder in this pass; [] where they are not wanted.
      word_vectors: list of float32 [B, T, E], of each text; to be watched for `gradients`.
      gradients: list of float32 [B, T, E], of the loss with respect to them, once it is known.
    """

    def __init__(
        self,
        objective: Objective,
        call: Callable,
        features: dict[str, tf.Tensor],
        key: DropoutKey,
        watch: Callable | None = None,
        records: bool = False,
    ):
        self.objective, self.features, self._call_objective, self._key = objective, features, call, key
        self._names = [name for name in features if name.endswith(IDS)] if watch else []
        self.word_vectors = self._look_up()
        for vectors in self.word_vectors if watch else ():
            watch(vectors)
        self.gradients: list[tf.Tensor] = []
        self.states: list[States]
        with record_states() if records else contextlib.nullcontext([]) as self.states:
            self.outputs = self._call(key, self.word_vectors)
        self.losses = objective.losses(features, self.outputs)

    def again(self, masks: int, shifts: list[tf.Tensor] | None = None) -> dict:
        """The outputs of another pass.

        Args:
          masks: number of the masks of dropout; 0: those of the first pass.
          shifts: what is added to the vectors of words, as `word_vectors`; None: nothing.
        """
        key = self._key.child(PASSES + masks) if masks else DropoutKey(self._key.seed)
        vectors = [] if shifts is None else [v + shift for v, shift in zip(self._look_up(), shifts)]
        return self._call(key, vectors)

    def _look_up(self):
        """The vectors of the words of each text."""
        return [
            tf.gather(self.objective.encoder.input_table().value, tf.cast(self.features[name], tf.int32))
            for name in self._names
        ]

    def _call(self, key, vectors):
        """The objective's outputs; with vectors, a table of these stands in the place of that of the vocabulary."""
        if not vectors:
            return self._call_objective(self.features, key)
        features, table, count = dict(self.features), [], 0
        for name, rows in zip(self._names, vectors):
            shape = tf.shape(rows)
            features[name] = count + tf.reshape(tf.range(shape[0] * shape[1]), shape[:2])
            table.append(tf.reshape(rows, [-1, rows.shape[2]]))
            count += shape[0] * shape[1]
        with _replace(self.objective.encoder.input_table(), tf.concat(table, axis=0)):
            return self._call_objective(features, key)


@contextlib.contextmanager
def _replace(variable, value):
    """A tensor stands in the place of a Keras variable inside."""
    scope = keras.StatelessScope()
    scope.add_update((variable, value))
    with scope:
        yield
