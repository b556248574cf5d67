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
import importlib.util
import pkgutil
import re

from bertline import options as option_rules
from bertline.errors import InputError
from bertline.options import Option

# Where each kind of thing lives, in the packages below it too.
PACKAGES = {
    "processor": "bertline.processors.tasks",
    "encoder": "bertline.modeling.encoders",
    "objective": "bertline.modeling.objectives",
    "loss": "bertline.modeling.losses",
    "corpus": "bertline.processors.corpora",
    "term": "bertline.training.terms",
    "optimizer": "bertline.training.optimizers",
    "learning_rate_schedule": "bertline.training.schedules",
    "task_sampling": "bertline.training.task_sampling",
    "tokenizer": "bertline.processors.tokenizers",
    "weight_format": "bertline.weights.formats",
    "layout": "bertline.processors.layouts",
    "labels": "bertline.processors.labels",
    "score": "bertline.training.scores",
}
# From the first function of a class, or at the top of a file, to the next line that is not indented.
_FUNCTIONS = re.compile(r"^(?:    )?(?:@(?!registry)|def |async def ).*?(?=^[^\s)]|\Z)", re.MULTILINE | re.DOTALL)
_FOLDERS = {package.split(".")[0] for package in PACKAGES.values()}

_registered = {kind: {} for kind in PACKAGES}


@dataclasses.dataclass(frozen=True)
class _Declaration:
    """What a file says of something that it registers, read without importing it."""

    module: str
    classes: list  # nodes of the class and its bases

    def literal(self, attribute):
        return _literal(self.classes, attribute)


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
    return sorted({*_registered[kind], *_find_declarations(kind)})


def get(kind, name):
    """The class registered as `name`.

    Raises:
      InputError: the name is unknown; the message has the nearest one.
    """
    if name not in _registered[kind] and name in _find_declarations(kind):
        importlib.import_module(_find_declarations(kind)[name].module)
    if name not in _registered[kind]:
        known = names(kind)
        near = difflib.get_close_matches(name, known, n=1)
        hint = f"did you mean {near[0]!r}? " if near else ""
        raise InputError(f"unknown {kind.replace('_', ' ')} {name!r}; {hint}known: {', '.join(known)}")
    return _registered[kind][name]


def name_of(kind, cls):
    """The first name that a class registered; None where it registered none."""
    return next((name for name, other in _registered[kind].items() if other is cls), None)


def registrations(module):
    """Sorted (kind, name) of what a module that was imported registered."""
    return sorted(
        (kind, name)
        for kind, classes in _registered.items()
        for name, cls in classes.items()
        if cls.__module__ == module
    )


def options(kind, attribute="options"):
    """Registered name -> name -> Option, of all that is registered; nothing is imported. See `options.of`."""
    return _find_options(kind, attribute) | {
        name: option_rules.of(cls, attribute) for name, cls in _registered[kind].items()
    }


def literals(kind, attribute):
    """Registered name -> the value of a class's attribute, of those that have one, sorted; nothing is imported.

    attribute: one that classes of this kind assign a literal to.
    """
    found = {name: declaration.literal(attribute) for name, declaration in _find_declarations(kind).items()}
    found |= {name: getattr(cls, attribute, None) for name, cls in _registered[kind].items()}
    # What a plugin registers comes last: it may derive from one of ours, and has its literals then.
    order = sorted(found.items(), key=lambda item: (item[0] not in _find_declarations(kind), item[0]))
    return {name: value for name, value in order if value is not None}


@functools.cache
def _find_options(kind, attribute):
    return {name: _options(declaration.classes, attribute) for name, declaration in _find_declarations(kind).items()}


@functools.cache
def _find_declarations(kind):
    """Registered name -> _Declaration, of the files of a kind's packages."""
    found = {}
    for module in _modules(PACKAGES[kind]):
        tree = _parse(module)
        for node in tree.body:
            for call in getattr(node, "decorator_list", ()):
                if isinstance(call, ast.Call) and getattr(call.func, "attr", None) == "register":
                    registered, *own = [argument.value for argument in call.args if isinstance(argument, ast.Constant)]
                    if registered == kind:
                        found |= dict.fromkeys(own, _Declaration(module, list(_with_bases(node, tree))))
    return found


def _modules(package):
    """Names of the modules of a package and of those below it, none of which is imported."""
    folders = importlib.util.find_spec(package).submodule_search_locations
    for found in pkgutil.iter_modules(folders, f"{package}."):
        if found.ispkg:
            yield from _modules(found.name)
        else:
            yield found.name


@functools.cache
def _parse(module):
    """The tree of a module, without what stands in its functions: declarations stand above a class's methods."""
    # By its loader: on a cluster the packages are in a zip file.
    source = importlib.util.find_spec(module).loader.get_source(module)
    try:
        return ast.parse(_FUNCTIONS.sub("", source), module)  # a fifth of the time, which --help takes too
    except SyntaxError:  # a text in several lines that are not indented
        return ast.parse(source, module)


def _with_bases(node, tree):
    """A class after those of its bases whose sources are here, as nodes of the tree of its file and of theirs."""
    for base in reversed(getattr(node, "bases", ())):
        if isinstance(base, ast.Name) and (found := _find_class(base.id, tree)):
            yield from _with_bases(*found)
    yield node


def _find_class(name, tree):
    """(node, tree of its file) of a class by the name that it has in a file; None where it is from elsewhere."""
    for node in tree.body:
        if isinstance(node, ast.ClassDef) and node.name == name:
            return node, tree
        if isinstance(node, ast.ImportFrom) and node.module.split(".")[0] in _FOLDERS:
            for imported in node.names:
                if name == (imported.asname or imported.name):
                    return _find_class(imported.name, _parse(node.module))
    return None


def _find_assignments(classes, attribute):
    """The expressions that some classes assign to an attribute, in the order of the classes."""
    return [
        statement.value
        for node in classes
        for statement in node.body
        if isinstance(statement, (ast.Assign, ast.AnnAssign)) and statement.value and _target(statement) == attribute
    ]


def _target(statement):
    """The name that `name = value` or `name: type = value` assigns to; None: something else than a name."""
    target = statement.target if isinstance(statement, ast.AnnAssign) else statement.targets[0]
    return getattr(target, "id", None)


def _literal(classes, attribute):
    """The value of an attribute, of the last literal that is assigned to it; None where there is none."""
    found = None
    for value in _find_assignments(classes, attribute):
        with contextlib.suppress(ValueError):  # no literal
            found = ast.literal_eval(value)
    return found


def _options(classes, attribute):
    """name -> Option, of the assignments `options = {...}`, or those to another attribute."""
    found, allowed = {}, {"Option": Option, "bool": bool, "int": int, "float": float, "str": str}
    for value in _find_assignments(classes, attribute):
        # The source is ours, and Option is all that it can call.
        found |= eval(compile(ast.Expression(value), "options", "eval"), {"__builtins__": {}}, allowed)
    return option_rules.select_options(found)
