"""options.json of bilm-tf: ELMo's configuration, and how it was trained."""

from bertline.common import json_files
from bertline.errors import InputError
from bertline.modeling.configuration.head_fields import OBJECTIVE

_FIX = "copy the file of the model again"
_WITH_CLIPS = {"cell_clip": "cell_clip", "proj_clip": "projection_clip"}
SHARES = "share_embedding_softmax"
BOUNDARIES = ("start_id", "end_id")  # an entry of ours: where the vocabulary has what stands around a sentence
CHARACTERS = (261, 262)  # of the table in training, and with a row for padding; the files have the first


def config_of(path):
    """The dict of an encoder's configuration that a file of options says, and of the softmax it was trained with.

    Raises:
      InputError: the message names the file.
    """
    options = json_files.read(path, mend=_FIX)
    if options.get("bidirectional", True) is not True:
        raise InputError(f"{path}: bidirectional is not true; a language model in both directions is needed")
    lstm = _Entries(options, "lstm", path)
    config = {
        "model_type": "elmo",
        "units": lstm.need("dim", int),
        "projection_size": lstm.need("projection_dim", int),
        "num_layers": lstm.get("n_layers", int, 1),
        "residual": lstm.get("use_skip_connections", bool, False),
        **{ours: lstm.get(theirs, (int, float), None) for theirs, ours in _WITH_CLIPS.items()},
    }
    config["projection_size"] = min(config["projection_size"], config["units"])  # as there: no projection to more
    if isinstance(options.get("dropout"), (int, float)):
        config["dropout"] = float(options["dropout"])
    if isinstance(options.get("n_tokens_vocab"), int):
        config["vocab_size"] = options["n_tokens_vocab"]
    return {**config, **_of_words(options, path), **_of_softmax(options, path)}


def _of_words(options, path):
    """What says how words become vectors."""
    if "char_cnn" not in options:
        ends = {name: options[name] for name in BOUNDARIES if isinstance(options.get(name), int)}
        return {"filters": None, **ends}
    entries = _Entries(options, "char_cnn", path)
    count = entries.get("n_characters", int, CHARACTERS[0])
    if count not in CHARACTERS:
        raise InputError(f"{path}: n_characters is {count}; {' or '.join(map(str, CHARACTERS))} are known")
    return {
        "filters": entries.need("filters", list),
        "character_embedding_size": _Entries(entries.values, "embedding", path).need("dim", int),
        "max_characters": entries.get("max_characters_per_token", int, 50),
        "num_highways": entries.get("n_highway", int, None) or 0,
        "filter_activation": entries.get("activation", str, "relu"),
    }


def _of_softmax(options, path):
    """What says how words were predicted. Source: `LanguageModel` of `bilm/training.py`."""
    if SHARES not in options:
        return {}
    if not isinstance(options[SHARES], bool):
        raise InputError(f"{path}: {SHARES} is {json_files.excerpt(options[SHARES])}; true or false is needed; {_FIX}")
    if options[SHARES] and "char_cnn" in options:
        raise InputError(
            f"{path}: {SHARES} is true beside char_cnn, and words made of characters have no table to share; set it to "
            "false, or take char_cnn out"
        )
    return {OBJECTIVE: {"name": "bidirectional_lm", "options": {SHARES: options[SHARES]}}}


class _Entries:
    """An object in the file, whose entries are checked."""

    def __init__(self, values, name, path):
        self.values, self._name, self._path = values.get(name), name, path
        if not isinstance(self.values, dict):
            raise InputError(f"{path}: no object {name!r}, which ELMo's options have; {_FIX}")

    def get(self, name, kind, default):
        value = self.values.get(name)
        if value is None:
            return default
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            raise InputError(f"{self._path}: {self._name}.{name} is {json_files.excerpt(value)}; {_FIX}")
        return value

    def need(self, name, kind):
        value = self.get(name, kind, None)
        if value is None:
            raise InputError(f"{self._path}: {self._name} has no {name}; {_FIX}")
        return value


def options_of(config, path, head=None):
    """The options that describe an encoder's configuration.

    Args:
      path: for messages. head: what its config.json says of the objective, name and options; None: nothing.

    Raises:
      InputError: it is another encoder.
    """
    if config.model_type != "elmo":
        raise InputError(f"{path}: this format is of elmo alone, the encoder is {config.model_type}")
    lstm = {
        "dim": config.units,
        "projection_dim": config.projection_size,
        "n_layers": config.num_layers,
        "use_skip_connections": config.residual,
        **{theirs: value for theirs, ours in _WITH_CLIPS.items() if (value := getattr(config, ours)) is not None},
    }
    found = {"bidirectional": True, "lstm": lstm, "dropout": config.dropout}
    if (shares := (head or {}).get("options", {}).get(SHARES)) is not None:
        found[SHARES] = shares
    if config.vocab_size is not None:
        found["n_tokens_vocab"] = config.vocab_size
    if config.filters is None:
        return {**found, **{name: getattr(config, name) for name in BOUNDARIES}}
    found["char_cnn"] = {
        "activation": config.filter_activation,
        "embedding": {"dim": config.character_embedding_size},
        "filters": [list(pair) for pair in config.filters],
        "max_characters_per_token": config.max_characters,
        "n_characters": CHARACTERS[1],
        "n_highway": config.num_highways,
    }
    return found
