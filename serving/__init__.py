"""Trained models at work: text in, labels or vectors out. Nothing heavy is imported until it is asked for."""

import importlib
import typing

from bertline.common import quiet_tensorflow

quiet_tensorflow.prepare()

_MODULES = {
    "Client": "bertline.serving.client",
    "Predictor": "bertline.serving.prediction.predictor",
    "TextEncoder": "bertline.serving.encoder.text_encoder",
}


__all__ = ["Client", "Predictor", "TextEncoder"]

if typing.TYPE_CHECKING:  # for editors
    from bertline.serving.client import Client
    from bertline.serving.encoder.text_encoder import TextEncoder
    from bertline.serving.prediction.predictor import Predictor


def __dir__():
    return __all__


def __getattr__(name):
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_MODULES[name]), name)
