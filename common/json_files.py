"""JSON that others wrote or that a disk may have damaged: one reader, whose every failure is one line."""

import json
import os
import re

from bertline.errors import InputError


def read(path, kind=dict, mend="copy the file again"):
    """The value in a JSON file.

    Args:
      path: of a local file, or of one with a scheme (gs://).
      kind: type that the value must have; `object` for any.
      mend: the end of the message where the file is damaged: what to do.

    Raises:
      InputError: the file cannot be read, is not UTF-8 or not JSON, nests too deeply, or holds another type. The
        message has the file, and the line where the JSON breaks.
    """
    path = os.fspath(path)
    try:
        if "://" in path:
            raw = _read_remote(path)
        else:
            with open(path, "rb") as file:
                raw = file.read()
    except OSError as error:
        raise InputError(f"{path}: {error.strerror or error}") from error
    return parse(raw, path, kind, mend)


def _read_remote(path):
    import tensorflow as tf

    try:
        with tf.io.gfile.GFile(path, "rb") as file:
            return file.read()
    except tf.errors.OpError as error:
        raise InputError(f"{path}: {error.message.splitlines()[0]}") from error


def parse(raw, where, kind=dict, mend="copy the file again", line=None):
    """The value in JSON text; see `read`.

    Args:
      raw: bytes or str.
      where: how the message begins, as "config.json".
      line: number of the line in `where` that the text is, of files with a value a line.

    Raises:
      InputError: as `read`; half a character (a lone surrogate, as \\ud83d) in a string too: no text has it, and none
        could be written with it.
    """
    end, place = f"; {mend}" if mend else "", f"{where}:{line}" if line else where
    try:
        text = raw.decode("utf-8-sig") if isinstance(raw, bytes) else raw
        value = json.loads(text)
        half = _MAYBE_HALF.search(text) and _HALF.search(json.dumps(value, ensure_ascii=False))
    except UnicodeDecodeError as error:
        byte = f"byte 0x{raw[error.start]:02x} at offset {error.start}"
        raise InputError(f"{place}: not JSON: {byte} is not UTF-8{end}") from error
    except json.JSONDecodeError as error:
        number = (line or 1) + error.lineno - 1
        raise InputError(f"{where}:{number}: not JSON: {error.msg}{end}") from error
    except ValueError as error:  # a number of thousands of digits
        raise InputError(f"{place}: not JSON that can be read: {error}{end}") from error
    except RecursionError as error:
        raise InputError(f"{place}: lists or objects are nested too deeply{end}") from error
    if not isinstance(value, kind):
        raise InputError(f"{place}: {_NAMES.get(kind, kind.__name__)} is needed, found {_describe(value)}{end}")
    if half:
        escape = f"\\u{ord(half[0]):04x}"
        raise InputError(f"{place}: {escape} without its other half is no character; write the character in full{end}")
    return value


# Halves of characters beyond U+FFFF. Escapes in pairs are characters.
_HALF = re.compile("[\ud800-\udfff]")
_MAYBE_HALF = re.compile(r"[\ud800-\udfff]|\\u[dD][89a-fA-F]")


def excerpt(value, most=60):
    """A value of JSON as a message shows it: as JSON writes it, where it is short; a nested one by its kind."""
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    # What is nested deeply can be read, but not always written.
    text = _describe(value) if any(isinstance(part, (dict, list)) for part in parts) else json.dumps(value)
    return text if len(text) <= most else f"{text[:most]}..."


_NAMES = {dict: "a JSON object", list: "a JSON list", str: "a string", int: "a whole number"}


def _describe(value):
    names = {dict: "an object", list: "a list", str: "a string", type(None): "null", bool: "true or false"}
    return names.get(type(value)) or "a number"
