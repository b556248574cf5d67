"""Files that are either whole or absent: written beside their place, then renamed into it."""

import contextlib
import os

from errors import InputError


@contextlib.contextmanager
def replaced(path):
    """Gives the name of a temporary file beside `path`; when the block ends well it is on disk and takes `path`'s name.

    The folder is made where it is missing. When the block fails, what stood at `path` stands there still.

    Raises:
      InputError: the folder or the file cannot be written (rights, full disk).
    """
    path = os.fspath(path)
    temporary = os.path.join(os.path.dirname(path), f".{os.path.basename(path)}.{os.getpid()}.part")
    try:
        os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
        yield temporary
        sync(temporary)
        os.replace(temporary, path)
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {error.strerror or error}") from error
    finally:
        with contextlib.suppress(OSError):
            os.remove(temporary)


def sync(path):
    """Waits until the file's bytes are on the disk, so that a rename cannot overtake them in a power cut."""
    with open(path, "rb+") as file:
        os.fsync(file.fileno())
