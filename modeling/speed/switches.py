"""What callers say about speed and memory, without an argument in every constructor on the way.

`with static_shapes(): ...` holds for what the thread builds or calls inside.
"""

import contextlib
import contextvars


class Switch:
    """`with switch():` turns it on, `with switch(condition):` where the condition holds; `is_on` says whether it is."""

    def __init__(self, name):
        self._on = contextvars.ContextVar(name, default=False)

    @property
    def is_on(self):
        return self._on.get()

    @contextlib.contextmanager
    def __call__(self, on=True):
        token = self._on.set(on)
        try:
            yield
        finally:
            self._on.reset(token)


# Encoders that are made inside compute padding too, so that every shape is static (XLA, TPU).
static_shapes = Switch("static_shapes")
# Encoders that are made inside compute activations again in the backward pass instead of keeping them.
rematerialization = Switch("rematerialization")
# Layers that are built inside start at zero: drawing numbers takes as long as reading the weights that follow.
weights_follow = Switch("weights_follow")
# Layers that are called inside use only operations that other runtimes than TensorFlow know too.
portable_operations = Switch("portable_operations")
