"""Options: what a registered thing takes beside what it is made of, declared in its own class, a flag in every script.

    @registry.register("objective", "response_ranking")
    class ResponseRanking(Objective):
        options = {"similarity": Option("cosine", "Between two vectors: cosine or dot.")}

The constructor takes an argument of the same name. `registry.options` reads the declaration from the source, without
importing the file, so that `--help` need not wait for TensorFlow: a declaration is made of literals. A class has the
options of its bases too; `None` in the place of an option says that it does not take that one.
"""

import dataclasses
import math

from bertline.errors import InputError


@dataclasses.dataclass(frozen=True)
class Option:
    """One option.

    Attributes:
      default: bool, int, float, str or None.
      help: one sentence.
      kind: type of the values, where the default is None.
      shapes_weights: a run with another value gives other weights, so its folder cannot be continued.
      holds: "path" or "paths", where ~ and $HOME are replaced; None: another kind of value.
      choices: the values that are allowed; None: any.
      above, least, most: a number is larger than `above`, and from `least` to `most`; None: there is no such limit.
      as_trained: of an objective or a task: a trained folder is used with the value that it was trained with.
    """

    default: bool | int | float | str | None
    help: str
    kind: type | None = None
    shapes_weights: bool = True
    holds: str | None = None
    choices: tuple | None = None
    above: float | None = None
    least: float | None = None
    most: float | None = None
    as_trained: bool = True

    @property
    def type(self):
        """Of the values."""
        return self.kind or (str if self.default is None else type(self.default))

    def check(self, name, value):
        """Raises InputError for a value that is not allowed; None, which is "not given", is."""
        if value is None:
            return
        if self.choices and value not in self.choices:
            raise InputError(f"--{name}={value}: one of {', '.join(self.choices)} is needed")
        # Not `value <= above`, which a number that is none (nan) passes.
        if self.above is not None and not self.above < value < math.inf:
            raise InputError(f"--{name}={value}: a number above {self.above:g} is needed")
        if self.least is not None and not self.least <= value <= self.most:
            raise InputError(f"--{name}={value}: a number from {self.least:g} to {self.most:g} is needed")


def of(cls, attribute="options"):
    """Name -> Option of a class, those of its bases included.

    attribute: a class may declare options of several sides of it, each by a name.
    """
    found = {}
    for base in reversed(cls.__mro__):
        found |= vars(base).get(attribute, {})
    return select_options(found)


def select_options(declared):
    """The entries that are an Option."""
    return {name: option for name, option in declared.items() if option is not None}


def values_for(cls, given, attribute="options"):
    """Name -> value of every option of a class: the given ones, else the defaults.

    Args:
      given: name -> value; options of other classes among them are passed over, and so are those that are None.
    """
    declared = of(cls, attribute)
    return {name: option.default if given.get(name) is None else given[name] for name, option in declared.items()}
