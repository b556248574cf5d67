"""Files outside the repository that register something: a processor, an encoder, an objective, ... (`--plugin`)."""

import importlib.util
import os
import pickle
import sys
import traceback

from bertline import registry
from bertline.common import unprefixed_imports
from bertline.errors import InputError


def load(path):
    """Runs a Python file, which makes what it registers available by name.

    A DataProcessor that registers no name gets its own, lower case, without "Processor": `MyTaskProcessor` is "mytask".
    The file's folder is searched for imports last, so it shadows nothing.

    Args:
      path: of the file, str.

    Returns:
      list of (kind, name) that the file registered, sorted.

    Raises:
      InputError: there is no such file, it raises, or it registers nothing.
    """
    unprefixed_imports.install()
    path = os.path.abspath(path)
    if not os.path.isfile(path):
        raise InputError(f"{path}: no such file; --plugin is the path of a Python file")
    if os.path.dirname(path) not in sys.path:
        sys.path.append(os.path.dirname(path))
    # Two files of the same name are two modules; pickles of their objects find the right one.
    module_name = f"plugin_{path.encode().hex()}"
    if module_name in sys.modules:
        return registry.registrations(module_name)
    spec = importlib.util.spec_from_file_location(module_name, path)
    if spec is None:
        raise InputError(f"{path}: not a Python file; its name must end in .py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[module_name] = module
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        del sys.modules[module_name]
        missing = isinstance(error, ModuleNotFoundError)
        fix = (
            "use `from bertline.processors import DataProcessor, InputExample, tokenization`"
            if missing
            else "fix the file"
        )
        raise InputError(f"{path}:{_line(error, path)}: {type(error).__name__}: {error}; {fix}") from error
    _register_processors(module, path)
    found = registry.registrations(module_name)
    if not found:
        raise InputError(
            f"{path}: registers nothing; decorate a class by @registry.register(KIND, NAME), or derive one from "
            "processors.DataProcessor"
        )
    return found


def carry_plugins(function, paths):
    """A function for another process, where the files of --plugin are loaded before it is unpickled.

    Args:
      function: a functools.partial, whose arguments may be of classes of these files.
      paths: of the files; where there are none the function is given back.
    """
    return _Carried(function, tuple(paths)) if paths else function


class _Carried:
    def __init__(self, function, paths):
        self.func, self._function, self._paths = function.func, function, paths

    def __call__(self, *args):
        return self._function(*args)

    def __reduce__(self):
        return _unpack, (self._paths, pickle.dumps(self._function))


def _unpack(paths, pickled):
    for path in paths:
        load(path)
    return carry_plugins(pickle.loads(pickled), paths)


def _register_processors(module, path):
    """Gives a name to each DataProcessor of the file that has none."""
    from bertline.processors import DataProcessor

    named = {registry.get(*one) for one in registry.registrations(module.__name__)}
    for cls in vars(module).values():
        if not (isinstance(cls, type) and issubclass(cls, DataProcessor) and cls.__module__ == module.__name__):
            continue
        name = cls.__name__.removesuffix("Processor").lower()
        if cls in named or name.startswith("_"):
            continue
        if name in registry.names("processor"):
            raise InputError(f"{path}: {cls.__name__} would be {name!r}, which is taken; rename the class")
        registry.register("processor", name)(cls)


def _line(error, path):
    if isinstance(error, SyntaxError) and error.filename == path:
        return error.lineno
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == path]
    return lines[-1] if lines else 1
