"""Whose head lies beside an encoder: what objectives say of their heads in their files, without importing any.

An objective owns its head's names in `transformers` (`huggingface_heads`), the classes that have it there
(`architectures`), and more that only who knows the head can say; see `bertline.modeling.objective.Objective`.
"""

import re

from bertline import registry
from bertline.modeling.configuration import task_heads
from bertline.modeling.configuration.head_fields import OBJECTIVE

# Classes of `transformers` whose heads no objective has: the end of the name -> weights that tell it from others, by
# the names that they have here; None: none do.
OTHERS = {"ForMultipleChoice": None}


def _of_objectives(attribute):
    """Registered name -> what the objective says, in an attribute that is a literal."""
    return registry.literals("objective", attribute)


def huggingface_names(owner=None):
    """Weight of a head -> (name in Hugging Face's checkpoints, whether it is transposed there), of all objectives.

    owner: the objective whose names count where others have the same there.
    """
    known = _of_objectives("huggingface_heads")
    found = dict(known.get(owner, {}))
    for names in known.values():
        taken = {theirs for theirs, _ in found.values()}
        found |= {name: entry for name, entry in names.items() if entry[0] not in taken and name not in found}
    return found


def huggingface_names_of_tasks(config):
    """The same of the heads of several tasks, by the names that they have in one folder; {} where it is of one."""
    return {
        f"{task}/{name}": (f"{task}.{there}", turned)
        for task in task_heads.tasks_of(config)
        for name, (there, turned) in huggingface_names(owner(task_heads.config_of(config, task))).items()
    }


def owner(config, names=()):
    """The registered name of the objective whose head a folder has; None where it has none that is known here.

    Args:
      config: dict of the configuration's file, checked.
      names: what is there, as of `present`; where the configuration says nothing, it decides.
    """
    if OBJECTIVE in config:
        return config[OBJECTIVE]["name"]
    if said := _owners_in_words(config):
        return said[0]
    if names_unknown_head(config):
        return None
    known = _of_objectives("architectures").items()
    return next((name for name, ends in known if any(set(names).issuperset(needed) for needed in ends.values())), None)


def _owners_in_words(config):
    """The objectives whose class in `transformers` a configuration names: one, and those that derive from it."""
    said = config.get("architectures") or []
    known = _of_objectives("architectures").items()
    return [name for name, ends in known if any(one.endswith(tuple(ends)) for one in said)]


def owner_of_weight(name):
    """The objective that has a weight of a name, here or in `transformers`, in its head, or one beside it; None."""
    for objective, known in _of_objectives("huggingface_heads").items():
        names = {*known, *(theirs for theirs, _ in known.values())}
        if name in names or _parent(name) in {_parent(one) for one in names} - {""}:
            return objective
    return None


def _parent(name):
    """The name without its last part."""
    return re.sub(r"(^|[/.])[^/.]+$", "", name)


def problem_types(objective):
    """Of the tasks that an objective, by its registered name, can be fine-tuned on; () for None."""
    return _of_objectives("problem_types").get(objective, ())


def owner_of_labels(problem_type):
    """The objective whose head has labels of a type, by its registered name; None."""
    return next((name for name in _of_objectives("labelled") if problem_type in problem_types(name)), None)


def is_of_another(config, objective):
    """Whether a configuration says that weights with the names of an objective's head are another one's.

    objective: its registered name.
    """
    if names_unknown_head(config):
        return True
    if OBJECTIVE not in config and objective in _owners_in_words(config):
        return False
    theirs, known = owner(config), _of_objectives("huggingface_heads")
    names = [{there for there, _ in known.get(name, {}).values()} for name in (objective, theirs)]
    return theirs != objective and not names[0].isdisjoint(names[1])


def names_unknown_head(config):
    """Whether a configuration names a head that no objective has."""
    return any(one.endswith(tuple(OTHERS)) for one in config.get("architectures") or [])


def has(objective, names):
    """Whether the head of an objective of fine-tuning (its registered name, or None) is there; `names` of `present`."""
    if not problem_types(objective):
        return False
    if ends := _of_objectives("architectures").get(objective):
        return any(set(names).issuperset(needed) for needed in ends.values())
    return _of_objectives("labelled").get(objective) in names  # one that transformers has no class for


def has_no_weights(objective):
    """Whether an objective of fine-tuning (its registered name, or None) learns nothing beside the encoder."""
    attributes = ("huggingface_heads", "architectures", "labelled")
    return bool(problem_types(objective)) and not any(_of_objectives(name).get(objective) for name in attributes)


def present(names, encoder):
    """What `architectures` may ask for: names of weights, and "pooled_output" where all of an encoder's are there."""
    return {*names, *(["pooled_output"] if set(names).issuperset(encoder.named_weights()) else [])}


def architecture(config, names, owner=None):
    """The class that `transformers` would load a model into; None where an encoder alone is unknown there.

    Args:
      config: of the encoder, an EncoderConfig.
      names: as of `present`.
      owner: the objective that is asked first.
    """
    known = _of_objectives("architectures")
    prefix = registry.literals("encoder", "architecture").get(config.model_type)
    ends = [pair for name in sorted(known, key=lambda name: name != owner) for pair in known[name].items()]
    ends += [(end, needed) for end, needed in OTHERS.items() if needed]
    end = next((end for end, needed in ends if set(names).issuperset(needed)), "Model")
    if prefix is None and end == "Model":
        return None
    return (prefix or "".join(part.capitalize() for part in config.model_type.split("_"))) + end


def label_weight(names):
    """Which of some weights has a row for each label; None."""
    return next((name for name in _of_objectives("labelled").values() if name in names), None)


def rows_of_tokens():
    """Weights of heads that have an entry for each token of the vocabulary."""
    return {name for names in _of_objectives("rows_of_tokens").values() for name in names}


def copies():
    """list of (weights that `transformers` keeps twice: name there -> end of the name here), one of each objective."""
    return list(_of_objectives("copies").values())
