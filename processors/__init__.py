"""Raw text to features: processors, tokenization, layouts, TFRecords. Nothing here imports keras.

A processor written for the original needs one line:
`from bertline.processors import DataProcessor, InputExample, tokenization`.
"""

import typing

from bertline.common import quiet_tensorflow
from bertline.common.lazy_names import make_getattr

if typing.TYPE_CHECKING:
    from bertline.processors import tokenization
    from bertline.processors.base import DataProcessor, InputExample

__all__ = ["DataProcessor", "InputExample", "tokenization"]

quiet_tensorflow.prepare()

# `tokenization` imports TensorFlow; `--help` must not even pay for the others.
__getattr__ = make_getattr(
    "bertline.processors",
    {
        "DataProcessor": "bertline.processors.base",
        "InputExample": "bertline.processors.base",
        "tokenization": "bertline.processors.tokenization",
    },
)
