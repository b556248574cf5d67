"""What a job has done so far: files that only grow, and a state that says how far each of them is good.

A job may be killed at any moment. The state is replaced as a whole after what it speaks of is on the disk; whatever the
files hold beyond it is cut off when the job goes on. Of a job that has ended the state is removed last.
"""

import contextlib
import json
import os

from bertline.common import json_files
from bertline.common.files import replace_file
from bertline.common.locks import Lock
from bertline.errors import InputError

STATE, LOCK = "state.json", "lock"


class PartFolder:
    """The folder of an unfinished job, made where there is none, and this job's alone until `close` or `remove`.

    Args:
      path: of the folder.
      settings: dict of what the result depends on; a job that was begun with others is refused.
      names: of the files; a new folder has them all, empty.

    Attributes:
      progress: dict, what the last `commit` said; None in a new folder. Once it says "finished", files may be gone.

    Raises:
      InputError: other settings, another job at work, files that no job wrote, or the folder cannot be written.
    """

    def __init__(self, path, settings, names):
        self.path, self._settings, self._names = path, settings, names
        self.progress, self._files = None, {}
        self._anew = f"remove {path} to start anew"
        self._lock = self._take_lock()
        try:
            self._go_on(self._read_state())
        except BaseException:
            self._lock.release()
            raise

    def file(self, name):
        return os.path.join(self.path, name)

    def append(self, name, data):
        """Adds bytes to a file."""
        if name not in self._files:
            self._files[name] = open(self.file(name), "ab")
        try:
            self._files[name].write(data)
        except OSError as error:
            raise InputError(f"{self.file(name)}: cannot be written: {error.strerror}") from None

    def commit(self, progress):
        """Makes what was added so far good, with what `progress` (a dict) says."""
        for name, file in self._files.items():
            try:
                file.flush()
                os.fsync(file.fileno())
            except OSError as error:
                raise InputError(f"{self.file(name)}: cannot be written: {error.strerror}") from None
        there = (name for name in self._names if os.path.exists(self.file(name)))
        sizes = {name: os.path.getsize(self.file(name)) for name in there}
        state = {"settings": self._settings, "progress": progress, "sizes": sizes}
        with replace_file(self.file(STATE)) as path, open(path, "w", encoding="utf-8") as file:
            json.dump(state, file, indent=1)
        self.progress = progress

    def close(self):
        """Leaves the folder to who goes on with it; one in which nothing is committed is removed."""
        if self.progress is None and self._lock.is_held:
            self.remove()
        for file in self._files.values():
            with contextlib.suppress(OSError):  # a full disk; what is not committed does not count
                file.close()
        self._lock.release()
        self._files = {}

    def remove(self):
        """Removes the job's own files, the state after those that it speaks of."""
        for name in (*self._names, STATE, LOCK):
            with contextlib.suppress(FileNotFoundError):
                os.remove(self.file(name))
        with contextlib.suppress(OSError):  # it holds what somebody has put there meanwhile
            os.rmdir(self.path)
        self._lock.release()

    def _take_lock(self):
        """The Lock that keeps other jobs away."""
        if os.path.isdir(self.path):
            self._refuse_what_no_job_wrote()
        return Lock(self.file(LOCK), f"{self.path}: another job is at work in it; wait for its end, or stop it")

    def _refuse_what_no_job_wrote(self):
        for entry in os.scandir(self.path):
            own = entry.name in (*self._names, STATE, LOCK) or _is_half_a_state(entry.name)
            if not own or not entry.is_file(follow_symlinks=False):
                raise InputError(
                    f"{self.path}: holds {entry.name}, which no job wrote; an unfinished output is kept there and "
                    "removed in the end, so move that away, or choose another output"
                )

    def _read_state(self):
        """The last commit's; None where there was none."""
        if not os.path.exists(self.file(STATE)):
            return None
        state = json_files.read(self.file(STATE), mend=self._anew)
        sizes = state.get("sizes")
        if not all(isinstance(state.get(part), dict) for part in ("settings", "progress", "sizes")):
            raise InputError(f"{self.file(STATE)}: not the state of a job; {self._anew}")
        if not all(name in self._names and type(size) is int and size >= 0 for name, size in sizes.items()):
            raise InputError(f"{self.file(STATE)}: sizes: bytes of {', '.join(self._names)} are needed; {self._anew}")
        return state

    def _go_on(self, state):
        if state is not None:
            before, now = state["settings"], self._settings
            for name in sorted(now.keys() | before.keys()):
                if now.get(name) != before.get(name):
                    raise InputError(
                        f"{self.path}: this job was begun with {name} {before.get(name)!r}, now it is "
                        f"{now.get(name)!r}; go on with the settings of before, or remove the folder to start anew"
                    )
            self.progress = state["progress"]
        for name in os.listdir(self.path):
            if _is_half_a_state(name):
                os.remove(self.file(name))
        if state is None or not self.progress.get("finished"):
            for name in self._names:
                self._cut(name, state["sizes"].get(name, 0) if state else 0)

    def _cut(self, name, size):
        with open(self.file(name), "ab") as file:
            if file.tell() < size:
                raise InputError(f"{self.file(name)}: {file.tell()} bytes, {size} were written; {self._anew}")
            file.truncate(size)


def _is_half_a_state(name):
    """Whether a file is what a job leaves that is killed in `commit`."""
    return name.startswith(f".{STATE}.") and name.endswith(".part")
