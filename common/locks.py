"""A lock that one process at a time holds, and that the system gives back however the process ends."""

import contextlib
import fcntl
import logging
import os

from bertline.common.files import StandingFolder
from bertline.errors import InputError


class Lock:
    """Held from its making until `release`, or the end of the process.

    Args:
      path: of a file that is made, with its folders; `release` removes what was made, where nothing else is in it.
      busy: the message where another process holds the lock.

    Attributes:
      folder: the StandingFolder that the file is in.

    Raises:
      InputError: another process holds it, or the file cannot be made.
    """

    def __init__(self, path, busy):
        self.path, self._folder = path, os.path.dirname(path) or "."
        self._made = _missing_folders(self._folder)
        self._file = self._acquire(busy)
        self.folder = StandingFolder(self._folder)

    def _acquire(self, busy):
        while True:
            try:
                os.makedirs(self._folder, exist_ok=True)
                # O_NOFOLLOW: a link could name any file.
                number = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o666)
            except OSError as error:
                raise InputError(f"{self.path}: cannot be made: {error.strerror}") from None
            file = open(number, "rb+", buffering=0)
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                file.close()
                raise InputError(busy) from None
            except OSError as error:
                logging.warning("%s: no lock (%s): do not start another program there", self.path, error.strerror)
            with contextlib.suppress(FileNotFoundError):  # who had it just now has removed what was opened
                if os.path.samestat(os.fstat(file.fileno()), os.stat(self.path)):
                    return file
            file.close()

    @property
    def is_held(self):
        return not self._file.closed

    def release(self):
        """Gives the lock back; once more does nothing."""
        if self._file.closed:
            return
        with contextlib.suppress(OSError):
            if os.path.samestat(os.fstat(self._file.fileno()), os.stat(self.path)):
                os.remove(self.path)
        with contextlib.suppress(OSError):  # until one has something in it
            for folder in self._made:
                os.rmdir(folder)
        self._file.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.release()


def _missing_folders(folder):
    """The folders that are to be made for this one, it first."""
    missing = []
    while folder and not os.path.exists(folder):
        missing.append(folder)
        folder = os.path.dirname(folder)
    return missing
