"""A recipe file: a section for each of several tasks.

[mrpc]
data_dir = ../glue/MRPC

[mood]
task_name = tsv
data_dir = samples/intents
train_batch_size = 16
weight = 0.5
metric = f1_macro
"""

import configparser
import tomllib

from bertline.errors import InputError
from bertline.processors.files import text_files

_SHARED = "all"  # the section that is of all tasks


def read(path):
    """(section -> {key: value}, the same of the section [all]) of a recipe: TOML by its ending, else INI.

    Raises:
      InputError: it is neither, or names no task.
    """
    text = "\n".join(text_files.read_lines(path))
    try:
        if path.endswith(".toml"):
            sections = tomllib.loads(text)
        else:
            parser = configparser.ConfigParser(interpolation=None, default_section=None)
            parser.read_string(text)
            sections = {name: dict(parser[name]) for name in parser.sections()}
    except configparser.DuplicateSectionError as error:
        raise InputError(f"{path}:{error.lineno}: section [{error.section}] is there twice; name each once") from error
    except (tomllib.TOMLDecodeError, configparser.Error) as error:
        said = " ".join(str(error).replace("<string>", "").split())
        raise InputError(f"{path}: {said}; a section [NAME] with lines key = value is needed for each task") from error
    for name, section in sections.items():
        if not isinstance(section, dict):
            raise InputError(
                f"{path}: {name} stands before the first section; a section [NAME] is needed for each task"
            )
    shared = sections.pop(_SHARED, {})
    if not sections:
        raise InputError(f"{path}: no section in it; a section [NAME] with lines key = value is needed for each task")
    return sections, shared


_BOOLS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


def value(given, kind, key):
    """The value of a key, of a type: TOML gives numbers as such, INI as text. Raises InputError for another one."""
    text = str(given).strip()
    if isinstance(given, (dict, list)):
        raise InputError(f"{key} is {text}; a single value is needed")
    try:
        return _BOOLS[text.lower()] if kind is bool else kind(text)
    except (KeyError, ValueError):
        raise InputError(f"{key} = {text}: a value of type {kind.__name__} is needed") from None
