"""Names of a package that are imported when they are asked for: the package itself is light."""

import importlib


def make_getattr(package, modules):
    """The `__getattr__` of a package.

    Args:
      package: its name. modules: name -> the module that has it, or that is it.
    """

    def __getattr__(name):
        if name not in modules:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        module = importlib.import_module(modules[name])
        return module if module.__name__ == f"{package}.{name}" else getattr(module, name)

    return __getattr__
