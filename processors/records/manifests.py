"""The manifest beside files of records: how long each of them is, and what they hold. One kind for all records.

It is written last, so that files that it names are whole; a file of another length is truncated or replaced.
"""

import contextlib
import json
import os
import types

from bertline.common import json_files
from bertline.common.files import replace_file
from bertline.errors import InputError
from bertline.processors.files.folders import is_remote, list_files

SUFFIX = ".manifest.json"
# What no pattern of records or texts means: manifests, and what is being written.
BOOKKEEPING = (".json", ".part")
LARGEST_NUMBER = 2**53  # bytes and examples are fewer
_MEND = "make the records anew"


def earlier_name(path):
    """The name that a manifest of fine-tuning records had in earlier versions."""
    return path.removesuffix(SUFFIX) + ".json"


def read(path, fields=types.MappingProxyType({})):
    """A manifest's contents, a dict.

    Args:
      path: local, or with a scheme.
      fields: name -> type or types that the value must have, beside `files`; None among them: it may be absent.

    Returns:
      The contents, with all of `fields`, None where absent, and `files`: name of each file -> bytes; None in the
      manifest of a run that did not end.

    Raises:
      InputError: there is none, or it is not what was written.
    """
    values = json_files.read(path, mend=_MEND)
    files = values.get("files")
    if not isinstance(files, dict) or not files:
        raise InputError(f"{path}: not a manifest: it names no files; {_MEND}")
    for name, size in files.items():
        if name in ("", ".", "..") or os.path.basename(name) != name:  # names are removed and read: beside it only
            raise InputError(f"{path}: not a manifest: {name!r} is no name of a file beside it; {_MEND}")
        if not _is(size, (int, None) if values.get("unfinished") else int):
            raise InputError(f"{path}: not a manifest: {name} has {size!r:.80} bytes; {_MEND}")
    for name, kinds in fields.items():
        if not _is(values.setdefault(name, None), kinds):
            raise InputError(f"{path}: not a manifest: {name} is {values[name]!r:.80}; {_MEND}")
    return values


def _is(value, kinds):
    """`isinstance`, where true and false are no numbers, and numbers are from 0 on and not beyond all counts."""
    kinds = {types.NoneType if kind is None else kind for kind in (kinds if isinstance(kinds, tuple) else (kinds,))}
    fits = type(value) in kinds or (float in kinds and type(value) is int)
    return fits and (type(value) not in (int, float) or 0 <= value < LARGEST_NUMBER)


def manifests_beside(files):
    """Paths of the manifests in the folders of these files, sorted. Manifests of fine-tuning records are among them."""
    folders = sorted({os.path.dirname(path) for path in files})
    return [os.path.join(folder, name) for folder in folders for name in list_files(folder) if name.endswith(SUFFIX)]


def write(path, content):
    """Writes a manifest, whole or not at all; local or remote. Raises InputError where it cannot be written."""
    with replace_anywhere(path) as part, open_text(part, "w") as file:
        json.dump(content, file, indent=1)


@contextlib.contextmanager
def replace_anywhere(path):
    """`files.replace_file`, for paths with a scheme too."""
    if not is_remote(path):
        with replace_file(path) as temporary:
            yield temporary
        return
    import tensorflow as tf

    temporary = f"{path}.part"
    try:
        yield temporary
        tf.io.gfile.rename(temporary, path, overwrite=True)
    except BaseException:
        remove(temporary)
        raise


def open_text(path, mode):
    """A text file, local or remote."""
    if is_remote(path):
        import tensorflow as tf

        return tf.io.gfile.GFile(path, mode)
    return open(path, mode, encoding="utf-8")


def remove(path):
    """Removes a file, local or remote, if it is there and can be removed."""
    if is_remote(path):
        import tensorflow as tf

        with contextlib.suppress(tf.errors.OpError):
            tf.io.gfile.remove(path)
    else:
        with contextlib.suppress(OSError):
            os.remove(path)
