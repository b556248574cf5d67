"""The states of all layers of an encoder, for whoever looks on while an objective calls it.

    with record_states() as found:
        outputs = objective(features)

Where nobody looks on, nothing is kept and nothing is computed for it.
"""

import contextlib
import contextvars
import typing
from collections.abc import Iterator

import tensorflow as tf

_lists: contextvars.ContextVar[list | None] = contextvars.ContextVar("lists_of_states", default=None)


class States(typing.NamedTuple):
    """Attributes:
    layers: list of [B, T, H], embeddings first.
    mask: int32 [B, T], 1 for a real token; states of padding mean nothing.
    """

    layers: list[tf.Tensor]
    mask: tf.Tensor


@contextlib.contextmanager
def record_states() -> Iterator[list[States]]:
    """A list that gets the States of each call of an encoder inside; its parts are not encoders of their own there."""
    found: list[States] = []
    with _recording(found):
        yield found


def call_and_record(call, features: dict[str, tf.Tensor], *args, **kwargs) -> dict:
    """What `call(features, ...)`, that of an encoder, gives; its states are recorded where somebody looks on."""
    found = _lists.get()
    if found is None:
        return call(features, *args, **kwargs)
    with _recording(None):
        outputs = call(features, *args, **{**kwargs, "all_layers": True})
    found.append(States(outputs["all_layers"], features["input_mask"]))
    return outputs


@contextlib.contextmanager
def _recording(found):
    token = _lists.set(found)
    try:
        yield
    finally:
        _lists.reset(token)
