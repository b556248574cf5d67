"""Files in folders, local or with a scheme (gs://): are they there, and what comes near one that is not?"""

import difflib
import os

from bertline.errors import InputError


class AbsentError(InputError):
    """A file that is needed is not there, or a task has no such split."""


def is_remote(path):
    """Whether the path has a scheme (gs://bucket/file), which TensorFlow's file systems read."""
    return "://" in os.fspath(path)


def list_files(folder):
    """The names of the files in a folder, sorted; [] where there is no such folder."""
    if is_remote(folder):
        import tensorflow as tf

        return sorted(tf.io.gfile.listdir(folder)) if tf.io.gfile.isdir(folder) else []
    return sorted(os.listdir(folder)) if os.path.isdir(folder) else []


def is_folder(path):
    """Whether there is a folder at a local or remote path."""
    if is_remote(path):
        import tensorflow as tf

        return tf.io.gfile.isdir(path)
    return os.path.isdir(path)


def exists(path):
    """Whether there is a file or folder at a local or remote path."""
    if is_remote(path):
        import tensorflow as tf

        return tf.io.gfile.exists(path)
    return os.path.exists(path)


def missing_file(folder, names):
    """The AbsentError for a folder in which none of the files `names` is there, with the nearest name."""
    wanted = " or ".join(names)
    if not exists(folder):
        return AbsentError(f"{os.path.join(folder, names[0])}: there is no folder {folder}; mend the path")
    found = list_files(folder)
    near = [match for name in names for match in difflib.get_close_matches(name, found, n=1)]
    there = f"did you mean {near[0]}?" if near else f"files found there: {', '.join(found[:8]) or 'none'}"
    return AbsentError(f"{os.path.join(folder, names[0])}: no such file ({wanted} is needed); {there}")


def find_file(folder, *names):
    """The path of the first of `names` that is in the folder.

    Raises:
      AbsentError: none of them is there.
    """
    for name in names:
        if exists(os.path.join(folder, name)):
            return os.path.join(folder, name)
    raise missing_file(folder, names)
