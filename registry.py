"""Names of processors, encoders, objectives and more. A new one is a new file; no list grows here."""

import difflib
import importlib
import pkgutil

from errors import InputError

# Where each kind of thing lives. Every module of the package is imported on the first look-up.
PACKAGES = {
    "processor": "processors.tasks",
    "encoder": "modeling.encoders",
    "objective": "modeling.objectives",
    "training_data": "processors.training_data",
    "instances": "processors.instances",
}

_registered = {kind: {} for kind in PACKAGES}
_scanned = set()


def register(kind, *names):
    """Decorator: makes a class available as `get(kind, name)` under each of `names`."""

    def decorate(cls):
        for name in names:
            other = _registered[kind].setdefault(name, cls)
            # A module that is run as a script and imported again defines the same class twice.
            if (other.__module__, other.__qualname__) != (cls.__module__, cls.__qualname__):
                raise ValueError(f"{kind} {name!r} is registered by {other.__module__} and by {cls.__module__}")
        return cls

    return decorate


def names(kind):
    """All registered names of a kind, sorted."""
    if kind not in _scanned:
        _scanned.add(kind)
        package = importlib.import_module(PACKAGES[kind])
        for module in pkgutil.iter_modules(package.__path__):
            importlib.import_module(f"{PACKAGES[kind]}.{module.name}")
    return sorted(_registered[kind])


def get(kind, name):
    """The class registered as `name`.

    Raises:
      InputError: the name is unknown; the message has the nearest one.
    """
    known = names(kind)
    if name not in known:
        near = difflib.get_close_matches(name, known, n=1)
        hint = f"did you mean {near[0]!r}? " if near else ""
        raise InputError(f"unknown {kind} {name!r}; {hint}known: {', '.join(known)}")
    return _registered[kind][name]
