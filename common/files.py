"""Files and folders that are either whole or absent: written beside their place, then renamed into it."""

import contextlib
import os
import re
import secrets
import shutil
import socket
import stat
import zlib

from bertline.errors import InputError

# .NAME.PID-HOST-RANDOM.part: whose it is says whether it was left behind; what is random cannot be guessed. What ends
# in .old is whole, and has to wait until its successor is in its place.
_TEMPORARY = re.compile(r"\.(?P<name>.+)\.(?P<pid>\d+)(-(?P<host>[0-9a-f]{8})-[0-9a-f]{16})?\.(?P<kind>part|old)")
_HOST = f"{zlib.crc32(socket.gethostname().encode()):08x}"
_LONGEST_NAME = 50  # characters that a temporary name has of the final one, so that a long one stays allowed
_in_use = set()


@contextlib.contextmanager
def replace_file(path):
    """Gives the name of a temporary file beside `path`; when the block ends well it is on disk and takes `path`'s name.

    The folder is made where it is missing, and what a killed run left of this file is removed. The temporary file is
    there, empty, with the rights of the file that it replaces. When the block fails, what stood at `path` stands there
    still.

    Raises:
      InputError: the folder or the file cannot be written (rights, full disk).
    """
    path = os.fspath(path)
    try:
        os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
        with _temporary(path) as temporary:
            _make_file(temporary, path)
            yield temporary
            sync(temporary)
            os.replace(temporary, path)
        sync_folder(os.path.dirname(path))
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {error.strerror or error}") from error


@contextlib.contextmanager
def temporary_folder(path):
    """Gives the name of a new folder beside `path`, which is removed with all that is left in it when the block ends.

    Raises:
      OSError: it cannot be made.
    """
    with _temporary(os.path.abspath(path)) as temporary:
        os.makedirs(temporary)
        yield temporary


@contextlib.contextmanager
def replace_folder(path):
    """`replace_file` for a folder: gives the name of a new one beside `path`.

    Raises:
      InputError: it cannot be written.
    """
    path = os.path.abspath(path)
    try:
        with temporary_folder(path) as new:
            yield new
            for folder, _, names in os.walk(new):
                for name in names:
                    sync(os.path.join(folder, name))
                sync_folder(folder)
            _swap(new, path)
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {error.strerror or error}") from error


def _swap(new, path):
    """Puts a folder in the place of another one, which is removed then, with those that killed processes left."""
    folder, name = os.path.split(path)
    entry = _entry(name, "old")
    old = os.path.join(folder, entry)
    if os.path.isdir(path):
        os.rename(path, old)
    try:
        os.rename(new, path)
    except OSError:
        if os.path.isdir(old):
            os.rename(old, path)
        raise
    sync_folder(folder)
    _remove(old)
    remove_abandoned(folder, name[:_LONGEST_NAME], "old")


def remove_abandoned(folder, name=None, kind="part"):
    """Removes temporary files and folders that processes of this machine left in a folder when they were killed.

    name: of the file that they were to become; by default of any.
    """
    with contextlib.suppress(OSError):
        for entry in os.listdir(folder):
            found = _TEMPORARY.fullmatch(entry)
            if found and found["kind"] == kind and name in (None, found["name"]) and _is_abandoned(entry, found):
                _remove(os.path.join(folder, entry))


class StandingFolder:
    """A folder that somebody writes to for long: `check` says whether it is still the same one.

    Without it, what is written later would make the folder anew, as one that holds a part of everything.
    """

    def __init__(self, path):
        self._path, self._identity = path, _identity(path)

    def check(self):
        """Raises InputError where the folder was removed, moved or replaced."""
        if _identity(self._path) != self._identity:
            raise InputError(
                f"{self._path}: the folder was removed or moved while this command wrote to it; give the command again"
            )


def _identity(path):
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino


def sync(path):
    """Waits until the file's bytes are on the disk, so that a rename cannot overtake them in a power cut."""
    with open(path, "rb+") as file:
        os.fsync(file.fileno())


def sync_folder(path):
    """Waits until the names in a folder are on the disk."""
    with contextlib.suppress(OSError):  # not every file system can
        number = os.open(path or ".", os.O_RDONLY)
        try:
            os.fsync(number)
        finally:
            os.close(number)


@contextlib.contextmanager
def _temporary(path):
    """A name beside `path` that nothing has; what has it in the end is removed, and what killed processes left."""
    folder, name = os.path.split(path)
    remove_abandoned(folder or ".", name[:_LONGEST_NAME])
    entry = _entry(name, "part")
    _in_use.add(entry)
    try:
        yield os.path.join(folder, entry)
    finally:
        _remove(os.path.join(folder, entry))
        _in_use.discard(entry)


def _entry(name, kind):
    return f".{name[:_LONGEST_NAME]}.{os.getpid()}-{_HOST}-{secrets.token_hex(8)}.{kind}"


def _make_file(path, model):
    """An empty file, never one that is there or that a link names; with the rights of `model`, if that is there."""
    number = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o666)
    try:
        with contextlib.suppress(FileNotFoundError):
            os.fchmod(number, stat.S_IMODE(os.stat(model).st_mode))
    finally:
        os.close(number)


def _is_abandoned(entry, found):
    if found["host"] not in (None, _HOST):
        return False  # its process cannot be asked for here
    if int(found["pid"]) == os.getpid():
        return entry not in _in_use  # a process of this number was here before, as in a container that starts again
    try:
        os.kill(int(found["pid"]), 0)
    except (ProcessLookupError, OverflowError):
        return True
    except OSError:
        pass  # somebody else's
    return False


def _remove(path):
    with contextlib.suppress(OSError):
        if os.path.isdir(path) and not os.path.islink(path):
            shutil.rmtree(path, ignore_errors=True)
        else:
            os.remove(path)
