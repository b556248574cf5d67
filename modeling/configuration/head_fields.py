"""What a configuration's file says of a head: its class, the names of its outputs, and what they are.

Source: architectures, id2label and problem_type in config.json, as transformers writes and reads them.
"""

import itertools

from bertline import registry
from bertline.common import json_files
from bertline.errors import InputError

# The entry of our own files about an objective that has no class in transformers: its name, and its options.
OBJECTIVE = "objective"


def label_names(config):
    """The names in id2label in the order of their ids, list of str; None where there is none.

    Args:
      config: a dict, of a configuration file.

    Raises:
      InputError: id2label is no object, or its ids are not 0, 1, 2, ...
    """
    named = config.get("id2label")
    if named is None:
        return None
    if not isinstance(named, dict):
        raise InputError(f"id2label is {json_files.excerpt(named)}, an object of ids and names is needed")
    ids = {}
    for key, name in named.items():
        if not key.isdecimal() or len(key) > 9 or isinstance(name, (dict, list)) or name is None:
            raise InputError(f"id2label has {json_files.excerpt({key: name})}, a number and a name are needed")
        ids[int(key)] = name if isinstance(name, str) else json_files.excerpt(name)
    if sorted(ids) != list(range(len(named))):
        raise InputError(
            f"id2label has the ids {json_files.excerpt(sorted(ids))}; 0 to {len(named) - 1} are needed, each once"
        )
    return [ids[number] for number in range(len(ids))]


def problem_type(config, count):
    """What a classifier of so many outputs gives; as in the library, one output alone is a score unless it is said.

    Args:
      config: checked by `check_head`.

    Raises:
      InputError: what is said does not fit the number.
    """
    said = config.get("problem_type")
    if said is None:
        return "regression" if count == 1 else "single_label_classification"
    if said == "regression" and count != 1:
        raise InputError(f"problem_type is regression with {count} outputs; one is read here")
    return said


def check_head(config):
    """Raises InputError where what a configuration says of its head has a wrong type or an unknown value."""
    label_names(config)
    architectures = config.get("architectures") or []
    if not isinstance(architectures, list) or not all(isinstance(name, str) for name in architectures):
        raise InputError(f"architectures is {json_files.excerpt(architectures)}, a list of names is needed")
    ids, kind = config.get("label2id"), config.get("problem_type")
    kinds = list(dict.fromkeys(itertools.chain(*registry.literals("objective", "problem_types").values())))
    if kind is not None and kind not in kinds:
        raise InputError(f"problem_type is {json_files.excerpt(kind)}, one of {', '.join(kinds)} is needed")
    if ids is not None and not (isinstance(ids, dict) and all(type(number) in (int, str) for number in ids.values())):
        raise InputError(f"label2id is {json_files.excerpt(ids)}, an object of names and ids is needed")
    _check_objective(config.get(OBJECTIVE))


def _check_objective(said):
    if said is None:
        return
    if not isinstance(said, dict) or not isinstance(said.get("name"), str):
        raise InputError(f"{OBJECTIVE} is {json_files.excerpt(said)}, an object with a name is needed")
    known, given = registry.options("objective"), said.get("options", {})
    if said["name"] not in known:
        raise InputError(f"{OBJECTIVE} is {said['name']!r}, one of {', '.join(sorted(known))} is needed")
    if not isinstance(given, dict) or not given.keys() <= known[said["name"]].keys():
        allowed = ", ".join(known[said["name"]]) or "none"
        raise InputError(
            f"options of {OBJECTIVE} {said['name']} are {json_files.excerpt(given)}, allowed are: {allowed}"
        )
