"""Language encoders on TensorFlow by the workflow of BERT: pre-training, fine-tuning, vectors, predictions.

Nothing heavy is imported until it is asked for.
"""

import typing

__version__ = "0.2.0"

__all__ = ["Model", "fit", "load"]


if typing.TYPE_CHECKING:
    from bertline.facade import Model, fit, load


def __dir__():
    return [*__all__, "__version__"]


def __getattr__(name):
    if name not in __all__:
        raise AttributeError(f"module 'bertline' has no attribute {name!r}")
    from bertline import facade

    return getattr(facade, name)
