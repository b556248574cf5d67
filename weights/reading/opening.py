"""Which format some weights are in: the registered ones are asked, in the order that they declare."""

import os
import typing
from collections.abc import Iterator

from bertline import registry
from bertline.errors import InputError
from bertline.processors.files import folders
from bertline.weights.reading.format import WeightFormat

if typing.TYPE_CHECKING:  # it imports TensorFlow
    from bertline.weights.reading.source import WeightSource


def open_weights(source: str | os.PathLike) -> "WeightSource":
    """Finds out what `source` is and reads its table of contents.

    Args:
      source: a checkpoint prefix, one of its files, another file, a folder or a TensorFlow Hub handle.
    Returns:
      a WeightSource.
    Raises:
      InputError: there is nothing, nothing known, a Python pickle, or a damaged file; the message names the file.
    """
    path, names = _list_folder(os.fspath(source))
    for one in _formats():
        if one.fits(path, names):
            return one.open(path)
    formats = list(_formats())
    allowed = _formats_in_words(formats)
    if names is not None:
        some = ", ".join(sorted(names)[:5]) or "empty"
        raise InputError(f"{path}: no weights in this folder ({some}); {_inside(path, names, formats) or allowed}")
    what = "unknown format" if folders.exists(path) else "no such file or folder"
    near = next(filter(None, (one.near(path) for one in formats)), None)
    raise InputError(f"{path}: {what}; {near or allowed}")


def _formats() -> Iterator[type[WeightFormat]]:
    """All that is registered, those that are asked first at the front; each is imported when it is its turn."""
    orders = registry.literals("weight_format", "order")
    for name in sorted(registry.names("weight_format"), key=lambda name: orders.get(name, WeightFormat.order)):
        yield registry.get("weight_format", name)


def _list_folder(path):
    """The path, and the set of names in the folder, None for what is no folder."""
    if not folders.is_folder(path):
        return path, None
    path = path.rstrip("/") or "/"
    return path, {name.rstrip("/") for name in folders.list_files(path)}


def _formats_in_words(formats):
    """All that is read, in a sentence."""
    *most, last = [one.said_as for one in reversed(formats) if one.said_as]
    return f"{', '.join(most)} or {last} is needed"


def _inside(folder, names, formats):
    """A sentence about the first folder in it that has weights; None where none has."""
    inner = (os.path.join(folder, name) for name in sorted(names))
    found = next((path for path in inner if _has_weights(path, formats)), None)
    return found and f"{found} has some; give that folder"


def _has_weights(path, formats):
    """Whether it is a folder with weights in it, or in the only folder that it has."""
    for _ in range(2):
        path, names = _list_folder(path)
        if names is None:
            return False
        if any(one.said_as and one.fits(path, names) for one in formats):
            return True
        if len(names) != 1:
            return False
        path = os.path.join(path, *names)
    return False
