"""Paths as people type them: ~ and $HOME, lists separated by commas, patterns. A name that exists always wins."""

import glob
import os
import re

from bertline.errors import InputError
from bertline.processors.files.folders import is_remote, missing_file

_NAME = r"[\w.-]+="  # of NAME=PATH
_VARIABLE = re.compile(r"\$(?:(?P<plain>[A-Za-z_]\w*)|\{(?P<braced>[A-Za-z_]\w*)\})", re.ASCII)


def expand(path, what="the path"):
    """A path with ~, ~user, $NAME and ${NAME} replaced; one that exists as it is written keeps its dollar signs.

    Args:
      path: str or os.PathLike, local or with a scheme (gs://).
      what: begins the message, as `--output_dir`.

    Raises:
      InputError: the environment has no such variable.
    """
    path = os.path.expanduser(os.fspath(path))
    if "$" not in path or (not is_remote(path) and os.path.lexists(path)):
        return path

    def value(match):
        name = match["plain"] or match["braced"]
        if name not in os.environ:
            raise InputError(
                f"{what}={path}: the environment variable {name} is not set; set it, or write the path out"
            )
        return os.environ[name]

    return _VARIABLE.sub(value, path)


def expand_list(paths, what="the paths"):
    """The same for each of a comma-separated list of paths, or of `NAME=PATH`."""
    paths = os.fspath(paths)
    if os.path.lexists(paths):
        return paths
    return ",".join(_expand_part(part, what) for part in paths.split(","))


def _expand_part(part, what):
    found = re.fullmatch(rf"(\s*)({_NAME}(?=\s*[~$]))?(.*)", part, re.DOTALL)
    before, name_and_equals, path = found.groups(default="")
    return before + name_and_equals + expand(path, what)


def parts(text):
    """The names, NAME=PATHs and patterns of a comma-separated list; one that exists may have commas of its own."""
    if text and _is_there(text):
        return [text]
    found, pieces = [], text.split(",")
    while pieces:
        count = _pieces_of_first(pieces)
        found.append(",".join(pieces[:count]).strip())
        del pieces[:count]
    return [name for name in found if name]


def _pieces_of_first(pieces):
    """How many pieces of a list, cut at its commas, are the first name: the fewest after which another name begins."""
    there = [
        count
        for count in range(1, 2 if _begins(pieces, 0) and _begins(pieces, 1) else len(pieces) + 1)
        if _is_there(",".join(pieces[:count]).strip())
    ]
    return next((count for count in there if _begins(pieces, count)), there[0] if there else 1)


def _begins(pieces, at):
    """Whether a name, or the end of the list, is at this place."""
    return at == len(pieces) or not pieces[at].strip() or _is_there(pieces[at].strip())


def _is_there(name):
    """Whether a name, NAME=PATH or a pattern stands for something. Of a remote one it is taken for granted."""
    named = re.fullmatch(_NAME + "(.+)", name, re.DOTALL)
    if named and _is_there(named[1]):
        return True
    if is_remote(name) or os.path.lexists(name):
        return True
    return glob.has_magic(name) and next(glob.iglob(_pattern(name), recursive=True), None) is not None


def _pattern(path):
    """A pattern for glob: the folders that exist by their name are no pattern, whatever brackets they have."""
    folder = os.path.dirname(path)
    while folder and not os.path.isdir(folder):
        folder = os.path.dirname(folder)
    return os.path.join(glob.escape(folder), path[len(folder) :].lstrip("/")) if folder else path


def find_files(patterns, example="*.txt", leave_out=(), fix="correct the path or the pattern"):
    """The files of comma-separated names and glob patterns, in order; local, or with a scheme (gs://).

    Args:
      example: what the files of a folder are usually called.
      leave_out: endings of files that are none of those that are looked for, such as manifests beside records.
      fix: what to do where nothing is found.

    Raises:
      InputError: a pattern that no file matches, a name that is not there, or a folder.
    """
    found = {}
    for pattern in parts(patterns or ""):
        paths = [path for path in _matches(pattern, example) if not path.endswith(tuple(leave_out))]
        if not paths:
            raise InputError(f"no file matches {pattern}; {fix}")
        found.update(dict.fromkeys(paths))
    if not found:
        raise InputError("no input file is given; name files or patterns, separated by commas")
    return list(found)


def _matches(pattern, example):
    if is_remote(pattern):
        import tensorflow as tf

        if tf.io.gfile.isdir(pattern):
            raise _folder(pattern, example)
        paths = sorted(tf.io.gfile.glob(pattern))
    elif os.path.isdir(pattern):
        raise _folder(pattern, example)
    elif os.path.lexists(pattern):
        return [pattern]
    else:
        paths = sorted(path for path in glob.glob(_pattern(pattern), recursive=True) if not os.path.isdir(path))
    if not paths and not glob.has_magic(pattern):
        raise missing_file(os.path.dirname(pattern) or ".", [os.path.basename(pattern)])
    return paths


def _folder(path, example):
    return InputError(f"{path}: a folder; name its files, as {os.path.join(path, example)}")


def file_sizes(files):
    """path -> bytes."""
    if any(is_remote(path) for path in files):
        import tensorflow as tf

        return {path: tf.io.gfile.stat(path).length for path in files}
    return {path: os.path.getsize(path) for path in files}
