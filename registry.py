"""Names of processors, encoders, objectives and more. A new one is a new file; no list grows here.

The files of a package are searched for `@registry.register("kind", "name", ...)` without being imported: a look-up
imports the one file that it asks for, so that a broken or slow one stops nobody else.
"""

import ast
import contextlib
import dataclasses
import difflib
import functools
import importlib
import pkgutil

from errors import InputError
from options import Option

# Where each kind of thing lives, in the packages below it too.
PACKAGES = {
    "processor": "processors.tasks",
    "encoder": "modeling.encoders",
    "objective": "modeling.objectives",
    "training_data": "processors.training_data",
    "instances": "processors.instances",
    "optimizer": "training.optimizers",
    "learning_rate_schedule": "training.schedules",
    "weight_format": "training.weight_formats",
}

_registered = {kind: {} for kind in PACKAGES}


@dataclasses.dataclass(frozen=True)
class _Declaration:
    """What a file says of something that it registers, read without importing it."""

    module: str
    options: dict
    literals: dict


def register(kind, *names):
    """Decorator: makes a class available as `get(kind, name)` under each of `names`, which are written as literals."""

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
    return sorted({*_registered[kind], *_declared(kind)})


def get(kind, name):
    """The class registered as `name`.

    Raises:
      InputError: the name is unknown; the message has the nearest one.
    """
    if name not in _registered[kind] and name in _declared(kind):
        importlib.import_module(_declared(kind)[name].module)
    if name not in _registered[kind]:
        known = names(kind)
        near = difflib.get_close_matches(name, known, n=1)
        hint = f"did you mean {near[0]!r}? " if near else ""
        raise InputError(f"unknown {kind.replace('_', ' ')} {name!r}; {hint}known: {', '.join(known)}")
    return _registered[kind][name]


def registered_by(module):
    """Sorted (kind, name) of what a module that was imported registered."""
    return sorted(
        (kind, name)
        for kind, classes in _registered.items()
        for name, cls in classes.items()
        if cls.__module__ == module
    )


def options(kind):
    """Registered name -> name -> Option, of all that is registered; nothing is imported."""
    found = {name: declaration.options for name, declaration in _declared(kind).items()}
    return found | {name: getattr(cls, "options", {}) for name, cls in _registered[kind].items()}


def literals(kind, attribute):
    """Registered name -> the value of a class's attribute, of those that have one; nothing is imported.

    attribute: one that classes of this kind assign a literal to.
    """
    found = {name: declaration.literals.get(attribute) for name, declaration in _declared(kind).items()}
    found |= {name: getattr(cls, attribute, None) for name, cls in _registered[kind].items()}
    return {name: value for name, value in sorted(found.items()) if value is not None}


@functools.cache
def _declared(kind):
    """Registered name -> _Declaration, of the files of a kind's packages."""
    found = {}
    for module in _modules(PACKAGES[kind]):
        tree = ast.parse(module.source, module.name)
        for node in tree.body:
            for call in getattr(node, "decorator_list", ()):
                if isinstance(call, ast.Call) and ast.unparse(call.func) == "registry.register":
                    registered, *own = [argument.value for argument in call.args if isinstance(argument, ast.Constant)]
                    if registered == kind:
                        found |= dict.fromkeys(own, _Declaration(module.name, _options(node), _literals(node)))
    return found


@dataclasses.dataclass(frozen=True)
class _Module:
    name: str
    source: str


def _modules(package):
    """The modules of a package and of those below it; the packages themselves are imported, and are empty."""
    folders = importlib.import_module(package).__path__
    for found in pkgutil.iter_modules(folders, f"{package}."):
        if found.ispkg:
            yield from _modules(found.name)
        else:
            # By its loader: on a cluster the packages are in a zip file.
            loader = found.module_finder.find_spec(found.name).loader
            yield _Module(found.name, loader.get_source(found.name))


def _literals(node):
    """Attribute -> value, of the assignments of literals in a class."""
    found = {}
    for statement in node.body:
        if isinstance(statement, ast.Assign):
            with contextlib.suppress(ValueError):  # no literal
                found[ast.unparse(statement.targets[0])] = ast.literal_eval(statement.value)
    return found


def _options(node):
    """name -> Option, of the assignment `options = {...}` in a class."""
    for statement in node.body:
        if isinstance(statement, ast.Assign) and ast.unparse(statement.targets[0]) == "options":
            allowed = {"Option": Option, "bool": bool, "int": int, "float": float, "str": str}
            # The source is ours, and Option is all that it can call.
            return eval(compile(ast.Expression(statement.value), "options", "eval"), {"__builtins__": {}}, allowed)
    return {}
