"""States of frozen parts of an encoder, kept for each split that a run reads again and again."""

from bertline.processors.records.batches import as_it_is
from bertline.training.steps.fixed_states import FixedStates, Memory


class KeptStates:
    """Makes the FixedStates of the splits of a task. Those of one encoder at a time are kept, within one Memory."""

    def __init__(self):
        self._encoder, self._memory, self._evaluated = None, None, {}

    def for_training(self, encoder, batches):
        """FixedStates of a split; None where nothing of the encoder is fixed.

        batches: () -> batches in which each row comes once.
        """
        if not encoder.has_fixed_states:
            return None
        if encoder is not self._encoder:
            self._encoder, self._memory, self._evaluated = encoder, Memory(), {}
        return FixedStates(encoder, batches, self._memory)

    def for_evaluation(self, encoder, split, data):
        """The batches of a split with the states of their rows, computed once where memory is left.

        data: a data set in which each row comes once. An encoder without anything fixed gets it as it is.
        """
        states = self.for_training(encoder, lambda: data)
        if states is None:
            return data
        if split not in self._evaluated:
            self._evaluated[split] = data.map(as_it_is(states))
        return self._evaluated[split]
