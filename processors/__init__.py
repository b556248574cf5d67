"""Raw text to features: processors, tokenization, layouts, TFRecords. Nothing here imports keras.

A processor written for the original needs one line:
`from bertline.processors import DataProcessor, InputExample, tokenization`.
"""

from bertline.common import quiet_tensorflow
from bertline.processors.base import DataProcessor, InputExample

__all__ = ["DataProcessor", "InputExample", "tokenization"]

quiet_tensorflow.prepare()


def __getattr__(name):
    # tokenization imports TensorFlow; a processor alone must not pay for that.
    if name != "tokenization":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import importlib

    return importlib.import_module("bertline.processors.tokenization")
