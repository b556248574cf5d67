"""`from processors import DataProcessor` in a user's file: the module that is `bertline.processors` for all others.

Files that were written for a clone name its modules without `bertline.`. Python would find them in the clone a second
time, under another name: two registries, two classes DataProcessor.
"""

import importlib
import importlib.abc
import importlib.util
import sys

_NAMES = ("errors", "modeling", "options", "processors", "registry")


def install():
    """From now on these names are the package's own modules, in this process."""
    if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Finder())


class _Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] not in _NAMES or importlib.util.find_spec(f"bertline.{name}") is None:
            return None
        return importlib.util.spec_from_loader(name, self)

    def create_module(self, spec):
        module = importlib.import_module(f"bertline.{spec.name}")
        self._own_spec = module.__spec__
        return module

    def exec_module(self, module):
        module.__spec__ = self._own_spec  # the import system has put that of the other name there
