"""What a setting is: a field of a dataclass with what its flag says."""

import dataclasses

from bertline.processors.files import paths

# What a setting holds whose value is a path, or paths and patterns separated by commas (or NAME=PATH).
PATH, PATHS = "path", "paths"
_EXPANDED = {PATH: paths.expand, PATHS: paths.expand_list}

ENCODING = "Of the text files: utf-8, gb18030, big5, shift_jis, euc_kr, cp1252, utf-16, or another that Python knows."
CASING = "Whether to lower case the text; by default as saved beside the vocabulary, or as the vocabulary shows."


# What a trained folder is used with again, unless it is given: settings of all models, of one objective, of one task.
OF_MODEL, OF_OBJECTIVE, OF_TASK = "model", "objective", "processor"


def setting(default, description, shapes_weights=True, holds=None, as_trained=None):
    """A field.

    Args:
      shapes_weights: a run with another value gives other weights, so its folder cannot be continued.
      holds: PATH or PATHS, where ~ and $HOME are replaced; None: another kind of value.
      as_trained: OF_MODEL, OF_OBJECTIVE or OF_TASK, see bertline.training.folder.as_trained; None: not taken from a
        trained folder.
    """
    metadata = {"help": description, "shapes_weights": shapes_weights, "holds": holds, "as_trained": as_trained}
    return dataclasses.field(default=default, metadata=metadata)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Settings:
    """Base of all settings. ~ and variables of the environment in paths are replaced, in Python as on a command line.

    Raises:
      InputError: a path names a variable that is not set.
    """

    plugin: tuple[str, ...] = setting(
        (), "A Python file that registers a task, an encoder, an objective, ... of your own; may be given again.", False
    )

    def __post_init__(self):
        for field in dataclasses.fields(self):
            value, kind = getattr(self, field.name), field.metadata.get("holds")
            if kind and value:
                object.__setattr__(self, field.name, _EXPANDED[kind](value, f"--{field.name}"))

    @classmethod
    def without_meaning(cls):
        """Names of flags of the original that are accepted and do nothing."""
        return ()
