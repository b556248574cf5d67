"""Loads a user's own processor from a Python file (`--processor_module`)."""

import hashlib
import importlib.util
import os
import sys
import traceback

import registry
from errors import InputError
from processors.base import DataProcessor


def load_processor_module(path):
    """Runs a Python file and makes its processors available by name.

    A class that derives from `DataProcessor` and registers no name gets its own, lower case, without "Processor":
    `MyTaskProcessor` is "mytask". The file's folder is searched for imports last, so it shadows nothing.

    Args:
      path: of the file, str.

    Returns:
      The names that the file registered, list of str, sorted.

    Raises:
      InputError: there is no such file, it raises, or it has no processor.
    """
    path = os.path.abspath(path)
    if not os.path.isfile(path):
        raise InputError(f"{path}: no such file; processor_module is the path of a Python file")
    if os.path.dirname(path) not in sys.path:
        sys.path.append(os.path.dirname(path))
    registry.names("processor")
    # Two files of the same name are two modules; pickles of their objects find the right one.
    module_name = f"processor_module_{hashlib.sha256(path.encode()).hexdigest()[:12]}"
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
        mend = "use `from processors import DataProcessor, InputExample, tokenization`" if missing else "mend the file"
        raise InputError(f"{path}:{_line(error, path)}: {type(error).__name__}: {error}; {mend}") from error
    return _register_classes(module, path)


def _register_classes(module, path):
    own = [
        value
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, DataProcessor) and value.__module__ == module.__name__
    ]
    by_name = {name: registry.get("processor", name) for name in registry.names("processor")}
    names = [name for name, cls in by_name.items() if cls in own]
    for cls in own:
        name = cls.__name__.removesuffix("Processor").lower()
        if cls in by_name.values() or name.startswith("_"):
            continue
        if name in by_name:
            raise InputError(f"{path}: {cls.__name__} would be {name!r}, which is taken; rename the class")
        registry.register("processor", name)(cls)
        names.append(name)
    if not names:
        raise InputError(f"{path}: no processor; a class that derives from processors.DataProcessor is needed")
    return sorted(names)


def _line(error, path):
    if isinstance(error, SyntaxError) and error.filename == path:
        return error.lineno
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == path]
    return lines[-1] if lines else 1
