"""config.json and bert_config.json as they lie beside weights: a dict whose general entries have the right types.

What the encoder reads of it is checked by the encoder's own configuration.
"""

from bertline.common import json_files
from bertline.errors import InputError
from bertline.modeling.configuration.head_fields import OBJECTIVE, check_head
from bertline.weights.reading.source import read_json

_OF_ONE_TYPE = (("model_type", str), ("global_step", int))
_CHECKED = ("model_type", "global_step", OBJECTIVE)


def read_config(path):
    """The dict of a configuration file; None where there is none.

    Raises:
      InputError: not a JSON object, or an entry that names the model or its head has another type.
    """
    config = read_json(path, mend="copy the file again, or save it as UTF-8")
    if config is None:
        return None
    for name, kind in _OF_ONE_TYPE:
        value = config.get(name)
        if value is not None and (not isinstance(value, kind) or isinstance(value, bool)):
            raise InputError(f"{path}: {name} is {json_files.excerpt(value)}, {kind.__name__} is needed")
    try:
        check_head(config)
    except InputError as error:
        raise InputError(f"{path}: {error}") from error
    # An entry that is null says as little as one that is not there.
    return {key: value for key, value in config.items() if value is not None or key not in _CHECKED}
