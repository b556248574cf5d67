"""Options: what a registered thing takes beside what it is made of, declared in its own class, a flag in every script.

    @registry.register("objective", "response_ranking")
    class ResponseRanking(Objective):
        options = {"similarity": Option("cosine", "Between two vectors: cosine or dot.")}

The constructor takes an argument of the same name. `registry.options` reads the declaration from the source, without
importing the file, so that `--help` need not wait for TensorFlow: a declaration is made of literals.
"""

import dataclasses

from errors import InputError


@dataclasses.dataclass(frozen=True)
class Option:
    """One option.

    Attributes:
      default: bool, int, float, str or None.
      help: one sentence.
      kind: type of the values, where the default is None.
      shapes_weights: a run with another value gives other weights, so its folder cannot be continued.
      is_path: the value is a file or a folder.
    """

    default: bool | int | float | str | None
    help: str
    kind: type | None = None
    shapes_weights: bool = True
    is_path: bool = False

    @property
    def type(self):
        return self.kind or (str if self.default is None else type(self.default))


def of(cls):
    """Name -> Option of a class, those of its bases included."""
    found = {}
    for base in reversed(cls.__mro__):
        found |= vars(base).get("options", {})
    return found


def values_for(cls, given):
    """Name -> value of every option of a class: the given ones, else the defaults.

    Args:
      given: name -> value; options of other classes among them are passed over, and so are those that are None.
    """
    return {name: option.default if given.get(name) is None else given[name] for name, option in of(cls).items()}


def check_taken(given, owners, kinds):
    """Raises InputError for an option that nothing of a run takes.

    Args:
      given: name -> value of the options that the command names.
      owners: the classes of the run; (kind, registered name) -> class.
      kinds: kind -> registered name -> names of options, of all that is registered.
    """
    taken = {name for cls in owners.values() for name in of(cls)}
    for name in given.keys() - taken:
        takers = {(kind, owner) for kind, names in kinds.items() for owner, own in names.items() if name in own}
        here = ", ".join(f"--{kind}={owners_name}" for (kind, owners_name), _ in owners.items() if kind in dict(takers))
        there = ", ".join(sorted(f"--{kind}={owner}" for kind, owner in takers))
        raise InputError(f"--{name} is of no use with {here}; it is for {there}; leave it out or name such a one")
