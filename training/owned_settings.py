"""Settings that belong to what is registered: fields for the options of all of it, and a refusal of those of others."""

import dataclasses
import itertools

import registry
from errors import InputError

_NOUNS = {"processor": "task"}  # what people call a kind of the registry


def with_options(settings_class):
    """The class with a field for each option of the kinds that its `owners` names; fields that it has stay.

    An option of several owners is one field. Where their defaults differ its default is None, and each owner takes its
    own (`options.values_for`).
    """
    present = {field.name for field in dataclasses.fields(settings_class)}
    fields = [_field(name, owned) for name, owned in _owned(settings_class.owners).items() if name not in present]
    if not fields:
        return settings_class
    extended = dataclasses.make_dataclass(
        settings_class.__name__, fields, bases=(settings_class,), frozen=True, kw_only=True
    )
    # Settings travel to other processes by the name of their class.
    extended.__module__, extended.__doc__ = settings_class.__module__, settings_class.__doc__
    return extended


def _field(name, owned):
    """(name, type, dataclass field) of an option.

    Args:
      owned: (kind, registered name) -> Option, of all that take it.
    """
    declared = list(owned.values())
    first, alike = declared[0], all(option.default == declared[0].default for option in declared)
    default = first.default if alike else None
    metadata = {
        "help": first.help,
        "shapes_weights": any(option.shapes_weights for option in declared),
        "holds": first.holds,
        "as_trained": next((kind for (kind, _), option in owned.items() if option.as_trained), None),
        "owners": sorted(owned),
    }
    kind = first.type | None if default is None else first.type
    return name, kind, dataclasses.field(default=default, metadata=metadata)


def _owned(owners):
    """Option -> {(kind, registered name): Option}, of the kinds of `owners`."""
    found = {}
    for kind in owners:
        for name, options in registry.options(kind).items():
            for option in options:
                found.setdefault(option, {})[kind, name] = options[option]
    return found


def owners_in_words(field):
    """Who takes a field, as in "of the tasks csv, tsv"; "" for one of every run."""
    kinds = itertools.groupby(field.metadata.get("owners", ()), key=lambda owner: owner[0])
    named = [(_NOUNS.get(kind, kind.replace("_", " ")), [name for _, name in owners]) for kind, owners in kinds]
    return " and ".join(f"of the {noun}{'s' * (len(names) > 1)} {', '.join(names)}" for noun, names in named)


def check_owners(settings):
    """Raises InputError for an option that is given and that nothing of this run takes.

    A name that is not registered is refused by whoever looks it up.
    """
    chosen = {kind: str(getattr(settings, setting)) for kind, setting in settings.owners.items()}
    for field in dataclasses.fields(settings):
        owners = field.metadata.get("owners")
        if not owners or getattr(settings, field.name) == field.default:
            continue
        kinds = sorted({kind for kind, _ in owners})
        is_known = all(chosen[kind].lower() in registry.names(kind) for kind in kinds)
        if not is_known or any(chosen[kind].lower() == owner for kind, owner in owners):
            continue
        here = " and ".join(f"--{settings.owners[kind]}={chosen[kind]}" for kind in kinds)
        there = " or ".join(
            f"--{settings.owners[kind]}={', '.join(owner for its, owner in owners if its == kind)}" for kind in kinds
        )
        raise InputError(f"--{field.name} is of no use with {here}; it is for {there}; leave it out")
