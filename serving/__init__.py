"""Trained models at work: text in, labels or vectors out. Nothing heavy is imported until it is asked for."""

import typing

from bertline.common import quiet_tensorflow
from bertline.common.lazy_names import make_getattr

if typing.TYPE_CHECKING:  # for editors
    from bertline.serving.client import Client
    from bertline.serving.encoder.text_encoder import TextEncoder
    from bertline.serving.prediction.predictor import Predictor

quiet_tensorflow.prepare()

__all__ = ["Client", "Predictor", "TextEncoder"]

__getattr__ = make_getattr(
    __name__,
    {
        "Client": "bertline.serving.client",
        "Predictor": "bertline.serving.prediction.predictor",
        "TextEncoder": "bertline.serving.encoder.text_encoder",
    },
)


def __dir__():
    return __all__
