"""Language encoders on TensorFlow by the workflow of BERT: pre-training, fine-tuning, vectors, predictions.

Nothing heavy is imported until it is asked for.
"""

import typing

from bertline.common.lazy_names import make_getattr

if typing.TYPE_CHECKING:
    from bertline.facade.fitting import fit
    from bertline.facade.model import Model, load

__version__ = "0.2.0"

__all__ = ["Model", "fit", "load"]

__getattr__ = make_getattr(
    "bertline", {"Model": "bertline.facade.model", "fit": "bertline.facade.fitting", "load": "bertline.facade.model"}
)


def __dir__():
    return [*__all__, "__version__"]
