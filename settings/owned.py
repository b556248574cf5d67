"""Settings that belong to what is registered: fields for the options of all of it, and a refusal of those of others."""

import dataclasses
import itertools

from bertline import registry
from bertline.errors import InputError

# The attribute of a class that says for which types of problems it is.
_TYPED = {"processor": "problem_type", "objective": "problem_types"}
# What people call one and several of a kind of the registry, where it is not its name.
_NOUNS = {"processor": ("task", "tasks"), "corpus": ("kind of corpus data", "kinds of corpus data")}


def with_options(settings_class):
    """The class with a field for each option of the kinds that its `owners` names; fields of its own stay.

    An option of several owners is one field. Where their defaults differ its default is None, and each owner takes its
    own (`options.values_for`).
    """
    present = {field.name: field.metadata.get("owners") for field in dataclasses.fields(settings_class)}
    owned = _options_of_owners(settings_class)
    # A field that others take too, which were registered since it was made, is made anew.
    fields = [_field(name, of) for name, of in owned.items() if present.get(name, ()) not in (None, sorted(of))]
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
        "options": owned,
    }
    kind = first.type | None if default is None else first.type
    return name, kind, dataclasses.field(default=default, metadata=metadata)


def _options_of_owners(settings_class):
    """Option -> {(kind, registered name): Option}, of the kinds of `owners`, those that they borrow included."""
    found = {}
    for kind in settings_class.owners:
        fits = find_fitting(settings_class, kind)
        for owner, taken in registry.options(kind).items():
            for name, option in taken.items() if fits(owner) else ():
                found.setdefault(name, {})[kind, owner] = option
    for kind, (lender, side) in getattr(settings_class, "borrowed", {}).items():
        lent = registry.options(lender, side)
        for owner, named in registry.literals(kind, lender).items():
            for name, option in lent.get(named, {}).items():
                found.setdefault(name, {})[kind, owner] = option
    return found


def find_fitting(settings_class, kind):
    """Registered name -> whether a script can use it: a task of the types that its `problem_types` names, or an
    objective for such tasks. Scripts without `problem_types` use all.
    """
    wanted = set(getattr(settings_class, "problem_types", ()))
    if not wanted or kind not in _TYPED:
        return lambda owner: True
    known = registry.literals(kind, _TYPED[kind])

    def fits(owner):
        types = (known[owner],) if isinstance(known.get(owner), str) else known.get(owner)
        return not isinstance(types, tuple) or not wanted.isdisjoint(types)

    return fits


def owners_in_words(field):
    """Who takes a field, as in "of the tasks csv, tsv"; "" for one of every run."""
    kinds = itertools.groupby(field.metadata.get("owners", ()), key=lambda owner: owner[0])
    named = [(_noun(kind), [name for _, name in owners]) for kind, owners in kinds]
    return " and ".join(f"of the {noun[len(names) > 1]} {', '.join(names)}" for noun, names in named)


def _noun(kind):
    plain = kind.replace("_", " ")
    return _NOUNS.get(kind, (plain, f"{plain}s"))


def check_owners(settings):
    """Raises InputError for an option that is given and that nothing of this run takes, or with a value not allowed."""
    for said in of_no_use(settings).values():
        raise InputError(said)


def of_no_use(settings):
    """Options that are given and that nothing of this run takes: name -> what to say of it.

    A name that is not registered is refused by whoever looks it up.

    Raises:
      InputError: an option has a value that is not allowed.
    """
    found = {}
    given = {kind: getattr(settings, setting) for kind, setting in settings.owners.items()}
    # A setting may name several, separated by commas; "" names none.
    chosen = {kind: [name.strip() for name in str(names).lower().split(",")] for kind, names in given.items()}
    for field in dataclasses.fields(settings):
        owners = field.metadata.get("owners")
        if not owners or getattr(settings, field.name) == field.default:
            continue
        kinds = sorted({kind for kind, _ in owners})
        is_known = all({*chosen[kind]} <= {*registry.names(kind), ""} for kind in kinds)
        taken = [field.metadata["options"][kind, owner] for kind, owner in owners if owner in chosen[kind]]
        for option in taken:
            option.check(field.name, getattr(settings, field.name))
        if not is_known or taken:
            continue
        here = " and ".join(f"--{settings.owners[kind]}={given[kind]}" for kind in kinds)
        there = " or ".join(
            f"--{settings.owners[kind]}={', '.join(owner for its, owner in owners if its == kind)}" for kind in kinds
        )
        found[field.name] = f"--{field.name} is of no use with {here}; it is for {there}; leave it out"
    return found
