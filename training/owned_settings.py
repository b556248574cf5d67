"""Settings that belong to what is registered: fields for the options of all of it, and a refusal of those of others."""

import dataclasses

import registry
from errors import InputError


def with_options(settings_class):
    """The class with a field for each option of the kinds that its `owners` names; fields that it has stay.

    An option of several owners is one field. Where their defaults differ its default is None, and each owner takes its
    own (`options.values_for`).
    """
    present = {field.name for field in dataclasses.fields(settings_class)}
    fields = []
    for name, owned in _owned(settings_class.owners).items():
        if name in present:
            continue
        options = list(owned.values())
        first, alike = options[0], all(option.default == options[0].default for option in options)
        metadata = {
            "help": f"Of {', '.join(sorted(owner for _, owner in owned))}: {first.help}",
            "shapes_weights": any(option.shapes_weights for option in options),
            "holds": first.holds,
            "owners": sorted(owned),
        }
        default = first.default if alike else None
        fields.append((name, first.type | None, dataclasses.field(default=default, metadata=metadata)))
    if not fields:
        return settings_class
    extended = dataclasses.make_dataclass(
        settings_class.__name__, fields, bases=(settings_class,), frozen=True, kw_only=True
    )
    # Settings travel to other processes by the name of their class.
    extended.__module__, extended.__doc__ = settings_class.__module__, settings_class.__doc__
    return extended


def _owned(owners):
    """Option -> {(kind, registered name): Option}, of the kinds of `owners`."""
    found = {}
    for kind in owners:
        for name, options in registry.options(kind).items():
            for option in options:
                found.setdefault(option, {})[kind, name] = options[option]
    return found


def check_owners(settings):
    """Raises InputError for an option that is given and that nothing of this run takes."""
    chosen = {kind: getattr(settings, setting) for kind, setting in settings.owners.items()}
    for field in dataclasses.fields(settings):
        owners = field.metadata.get("owners")
        if not owners or getattr(settings, field.name) == field.default:
            continue
        if any(chosen[kind] == owner for kind, owner in owners):
            continue
        kinds = {kind for kind, _ in owners}
        here = " and ".join(f"--{settings.owners[kind]}={chosen[kind]}" for kind in sorted(kinds))
        there = ", ".join(f"--{settings.owners[kind]}={owner}" for kind, owner in owners)
        raise InputError(f"--{field.name} is of no use with {here}; it is for {there}; leave it out")
