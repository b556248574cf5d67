"""From settings to a model: its precision, its shapes, its arguments, and what of it is frozen."""

import inspect

import keras

from bertline import options
from bertline.errors import InputError


def arguments_of(objective_class, given, **known):
    """What the constructor of an objective takes beside the encoder: of `known`, else of the given values by name.

    Raises:
      InputError: an option that is given, or that the class itself declares, is no argument of the constructor.
    """
    found, taken = {**given, **known}, inspect.signature(objective_class.__init__).parameters
    for name, option in options.of(objective_class).items():
        if name in taken:
            continue
        if name in vars(objective_class).get("options", {}):
            raise InputError(
                f"{objective_class.__name__} declares the option {name!r}, and its constructor has no such argument; "
                "name it there"
            )
        if given.get(name) not in (None, option.default):
            raise InputError(
                f"--{name}={given[name]}: the constructor of {objective_class.__name__} does not take it; leave it out"
            )
    return {name: found[name] for name in taken if name in found}


def uses_static_shapes(settings):
    return settings.static_shapes or settings.xla or settings.use_tpu


def length_buckets(settings):
    """Quarters of the longest sequence, for static shapes; None where any length will do."""
    if not uses_static_shapes(settings):
        return None
    return sorted({-(-settings.max_seq_length * quarter // 4) for quarter in (1, 2, 3, 4)})


def seed_everything(seed):
    """Initialisers, TensorFlow's and numpy's generators."""
    keras.utils.set_random_seed(seed)


def frozen_patterns(freeze_layers, encoder):
    """--freeze_layers -> patterns of weights' names. Raises InputError for what is neither a number nor 'all'."""
    if freeze_layers is None:
        return []
    if freeze_layers == "all":
        return [f"^{encoder.name}/"]
    blocks = encoder.blocks()
    count = len(blocks) - 1  # the lowest one is below the layers that are counted
    if not freeze_layers.isdecimal() or int(freeze_layers) > count:
        raise InputError(f"--freeze_layers={freeze_layers}: a number from 0 to {count}, or 'all', is needed")
    return blocks[: int(freeze_layers) + 1]
