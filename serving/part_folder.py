"""What a job has done so far: files that only grow, and a state that says how far each of them is good.

A job may be killed at any moment. The state is replaced as a whole after what it speaks of is on the disk; whatever the
files hold beyond it is cut off when the job goes on.
"""

import json
import os
import shutil

from errors import InputError
from files import replaced, sync

STATE = "state.json"


class PartFolder:
    """The folder of an unfinished job, made where there is none.

    Args:
      path: of the folder.
      settings: dict of what the result depends on; a job that was begun with others is refused.

    Attributes:
      progress: dict, what the last `commit` said; None in a new folder.

    Raises:
      InputError: other settings, or the folder cannot be written.
    """

    def __init__(self, path, settings):
        self.path, self._settings = path, settings
        self.progress, self._files = None, {}
        try:
            os.makedirs(path, exist_ok=True)
        except OSError as error:
            raise InputError(f"{path}: cannot be made: {error.strerror}") from None
        state = self._read_state()
        if state is None:
            return
        before = state["settings"]
        for name in sorted(settings.keys() | before.keys()):
            if settings.get(name) != before.get(name):
                raise InputError(
                    f"{path}: this job was begun with {name} {before.get(name)!r}, now it is {settings.get(name)!r}; "
                    "go on with the settings of before, or remove the folder to start anew"
                )
        self.progress = state["progress"]
        for name in os.listdir(path):
            if name in state["sizes"]:
                os.truncate(self.file(name), state["sizes"][name])
            elif name != STATE:
                os.remove(self.file(name))

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
        sizes = {}
        for name in sorted(os.listdir(self.path)):
            if name in self._files:
                self._files[name].flush()
                sync(self.file(name))
            if not name.startswith((".", STATE)):
                sizes[name] = os.path.getsize(self.file(name))
        state = {"settings": self._settings, "progress": progress, "sizes": sizes}
        with replaced(self.file(STATE)) as path, open(path, "w", encoding="utf-8") as file:
            json.dump(state, file, indent=1)
        self.progress = progress

    def close(self):
        for file in self._files.values():
            file.close()
        self._files = {}

    def remove(self):
        self.close()
        shutil.rmtree(self.path)

    def _read_state(self):
        try:
            with open(self.file(STATE), encoding="utf-8") as file:
                return json.load(file)
        except FileNotFoundError:
            for name in os.listdir(self.path):  # killed before the first commit
                os.remove(self.file(name))
            return None
        except ValueError as error:
            raise InputError(f"{self.file(STATE)}: not JSON ({error}); remove {self.path} to start anew") from None
