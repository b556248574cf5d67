"""The files of TensorFlow checkpoints: which lie in a folder and which is the newest, how they are opened and placed.

A checkpoint is known by its prefix: `prefix.index` and `prefix.data-?????-of-?????`. The file `checkpoint` beside it
names the newest one; whoever copies, cuts or loses it has the weights all the same.
"""

import contextlib
import os
import re
import tempfile
import weakref

import numpy as np
import tensorflow as tf
from google.protobuf import text_format

from bertline.common.files import replace_file, sync, sync_folder, temporary_folder
from bertline.errors import InputError

STATE = "checkpoint"
OBJECT_GRAPH = "_CHECKPOINTABLE_OBJECT_GRAPH"  # the key that an object-based checkpoint (TF2) has
# What TensorFlow raises for a checkpoint that is truncated or corrupted.
UNREADABLE = (tf.errors.OpError, ValueError, IndexError, RuntimeError)
# The message of the file `checkpoint`, whose class has no public name.
_CheckpointState = type(tf.compat.v1.train.generate_checkpoint_state_proto(".", "name", ["name"]))
_FILE_OF_PREFIX = re.compile(r"\.(index|meta|data-\d{5}-of-\d{5})$")
_DATA = re.compile(r"(?P<prefix>.+)\.data-\d{5}-of-(?P<count>\d{5})", re.DOTALL)
_PATTERN = re.compile(r"[*?\[\\]")  # what TensorFlow takes for a pattern of names


def open_reader(prefix):
    """TensorFlow's reader of a checkpoint.

    Raises:
      InputError: the index cannot be read, a data file is missing or is shorter than the index says.
    """
    name = PlainName(prefix, files_of(prefix))
    try:
        reader = tf.train.load_checkpoint(str(name))
        shapes, kinds = reader.get_variable_to_shape_map(), reader.get_variable_to_dtype_map()
    except UNREADABLE as error:
        name.close()
        raise InputError(f"{prefix}.index: not a readable checkpoint index ({first_line(error)})") from error
    weakref.finalize(reader, name.close)  # it opens the data files when they are asked for
    _check_data(prefix, sum(kinds[name].size * int(np.prod(shape)) for name, shape in shapes.items()))
    return reader


def is_whole(prefix):
    """Whether a checkpoint can be opened; what its data files hold is not looked at."""
    with contextlib.suppress(InputError):
        open_reader(prefix)
        return True
    return False


class PlainName:
    """A name under which TensorFlow finds what has another name, as str() and until `close`.

    TensorFlow reads brackets, stars, question marks and backslashes in it as a pattern, and then finds nothing, or the
    files of another folder; what has such a name is linked from a folder of a plain one.

    Args:
      prefix: of a checkpoint, or a folder.
      paths: what the name stands for: paths that begin with it.
    """

    def __init__(self, prefix, paths):
        self._prefix, self._close = prefix, None
        if not _PATTERN.search(prefix) or "://" in prefix:
            return
        place = next((p for p in (tempfile.gettempdir(), "/tmp") if not _PATTERN.search(p)), None)
        folder = tempfile.TemporaryDirectory(prefix="bertline-", dir=place, ignore_cleanup_errors=True)
        self._prefix, self._close = os.path.join(folder.name, "plain"), folder.cleanup
        for path in paths:
            os.symlink(os.path.abspath(path), self._prefix + path[len(prefix) :])

    def __str__(self):
        return self._prefix

    def close(self):
        if self._close:
            self._close()


def prefix_of(path):
    """The prefix of a checkpoint, given by it or by one of its files."""
    return _FILE_OF_PREFIX.sub("", path)


def files_of(prefix):
    """Paths of the files that a checkpoint has, the index last; [] where it has none."""
    shards = data_shards(prefix)
    return shards + [f"{prefix}.index"] * tf.io.gfile.exists(f"{prefix}.index")


def data_shards(prefix):
    """Paths of the data files of a prefix, sorted."""
    folder, name = os.path.split(prefix)
    found = ((entry, _DATA.fullmatch(entry)) for entry in _list(folder))
    return sorted(os.path.join(folder, entry) for entry, match in found if match and match["prefix"] == name)


def prefixes(folder):
    """All that have an index in a folder, by the last number in their names, then by name."""

    def order(name):
        numbers = re.findall(r"\d+", name)
        return int(numbers[-1]) if numbers else -1, name

    names = [entry.removesuffix(".index") for entry in _list(folder) if entry.endswith(".index")]
    return [os.path.join(folder, name) for name in sorted(names, key=order)]


def newest(folder, wanted=is_whole):
    """The checkpoint that the folder's file `checkpoint` names; where that says none that is there, the last one.

    Args:
      wanted: prefix -> whether it may be taken.

    Returns:
      (prefix or None, what is wrong with the file `checkpoint` as a sentence, or None).
    """
    named, wrong = read_state_file(folder)
    for prefix in named:
        if tf.io.gfile.exists(f"{prefix}.index") and wanted(prefix):
            return prefix, wrong
        wrong = wrong or f"{os.path.join(folder, STATE)}: names {os.path.basename(prefix)}, which is not there whole"
    return next(filter(wanted, reversed(prefixes(folder))), None), wrong


def read_state_file(folder):
    """The prefixes that the file `checkpoint` names, the newest first, and what is wrong with the file, or None.

    Names in another folder are looked for in this one: it was moved, or copied from another machine.
    """
    path = os.path.join(folder, STATE)
    if not tf.io.gfile.exists(path):
        return [], f"{path}: missing"
    state = _CheckpointState()
    try:
        with tf.io.gfile.GFile(path, "rb") as file:
            text_format.Parse(file.read(), state)
    except (tf.errors.OpError, OSError) as error:
        return [], f"{path}: cannot be read ({first_line(error)})"
    except (text_format.ParseError, UnicodeError, ValueError):
        return [], f"{path}: not what TensorFlow writes there"
    names = [name for name in (state.model_checkpoint_path, *reversed(state.all_model_checkpoint_paths)) if name]
    if not names:
        return [], f"{path}: names no checkpoint"
    return list(dict.fromkeys(os.path.join(folder, os.path.basename(name)) for name in names)), None


def write_state(folder, kept):
    """Writes the file `checkpoint`; `kept`: prefixes in the folder, the newest last."""
    names = [os.path.basename(prefix) for prefix in kept]
    state = _CheckpointState(model_checkpoint_path=names[-1], all_model_checkpoint_paths=names)
    with replace_file(os.path.join(folder, STATE)) as path, open(path, "w", encoding="utf-8") as file:
        file.write(text_format.MessageToString(state))


def place(write, prefix):
    """Writes a checkpoint so that it is whole or absent: beside its place, onto the disk, then renamed, the index last.

    Args:
      write: prefix -> None, as tf.train.Checkpoint.write.
      prefix: its folder is made where it is missing; a checkpoint that it names is replaced.

    Raises:
      tf.errors.OpError, OSError: it cannot be written.
    """
    folder, name = os.path.split(prefix)
    os.makedirs(folder or ".", exist_ok=True)
    with temporary_folder(prefix) as part:
        new = os.path.join(part, name)
        write(new)
        made = files_of(new)
        for path in made:
            sync(path)
        remove(prefix)
        for path in made:
            os.replace(path, prefix + path[len(new) :])
            sync_folder(folder)


def remove(prefix):
    """Removes the files of a checkpoint, its index first: without it there is none."""
    for path in reversed(files_of(prefix)):
        os.remove(path)


def first_line(error):
    lines = (getattr(error, "message", None) or str(error)).strip().splitlines()
    return lines[0][:300] if lines else type(error).__name__


def _list(folder):
    try:
        return tf.io.gfile.listdir(folder or ".")
    except tf.errors.OpError:
        return []


def _check_data(prefix, declared):
    shards = data_shards(prefix)
    total = int(shards[-1][-5:]) if shards else 1
    for number in range(total):
        end = f".data-{number:05d}-of-{total:05d}"
        if f"{prefix}{end}" not in shards:
            raise InputError(f"{prefix}{end}: missing; it belongs to {prefix}.index")
    size = sum(tf.io.gfile.stat(shard).length for shard in shards)
    if size < declared:
        raise InputError(
            f"{shards[-1]}: the data ends at offset {size}, the index declares {declared} bytes; "
            "truncated, copy it again"
        )
