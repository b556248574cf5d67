"""Train and use a model in a few lines of Python. Nothing heavy is imported until it is asked for."""

import importlib
import typing

_MODULES = {"Model": "bertline.facade.model", "fit": "bertline.facade.fitting", "load": "bertline.facade.model"}

__all__ = ["Model", "fit", "load"]

if typing.TYPE_CHECKING:  # for editors
    from bertline.facade.fitting import fit
    from bertline.facade.model import Model, load


def __dir__():
    return __all__


def __getattr__(name):
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_MODULES[name]), name)
