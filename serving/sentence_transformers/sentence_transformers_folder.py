"""What a sentence-transformers folder says of its vectors: pooling, longest text, normalisation, prompts.

Source: the files that sentence-transformers writes: modules.json, sentence_bert_config.json, the config.json of the
folder of each module, config_sentence_transformers.json.
"""

import dataclasses
import os

from bertline.common import json_files
from bertline.errors import InputError
from bertline.modeling.configuration import config_fields
from bertline.processors.tokenizers.folder.tokenizer_folder import CONFIG_NAME, model_max_length
from bertline.serving.sentence_transformers import sentence_transformers_fields as fields
from bertline.training.folder.run_folder import model_folder
from bertline.weights.formats.sentence_transformers import LIBRARY_CONFIG, MODULES, POOLING_KEYS, read_modules

# That library's newer names.
POOLING_MODES = {"mean_sqrt_len_tokens": "mean_sqrt_len", "weightedmean": "weighted_mean", "lasttoken": "last"}
TRANSFORMER_CONFIGS = tuple(
    f"sentence_{name}_config.json"
    for name in ("bert", "roberta", "distilbert", "camembert", "albert", "xlm-roberta", "xlnet")
)
# Every folder has these, empty where nobody said them.
PROMPT_NAMES = ("query", "document")


@dataclasses.dataclass(frozen=True)
class SentenceFolder:
    """Attributes:
    model: the folder of the encoder, which may be one inside the given one.
    pooling, max_seq_length, normalize: None where nothing is said of them.
    prompts: name -> what stands before a text. default_prompt_name: of the one that does, None for none.
    pools_prompt: whether the tokens of a prompt are pooled too.
    truncate_dim: numbers of a sentence's vector that are kept, None: all.
    lower_cases: whether texts are lower-cased before their tokenizer sees them.
    unread: what its vectors come from that is not known here, in words, or None.
    """

    model: str
    pooling: str | None = None
    max_seq_length: int | None = None
    normalize: bool | None = None
    prompts: dict = dataclasses.field(default_factory=dict)
    default_prompt_name: str | None = None
    pools_prompt: bool = True
    truncate_dim: int | None = None
    lower_cases: bool = False
    unread: str | None = None

    def prompt(self, prompt=None, prompt_name=None):
        """What stands before each text: the one that is asked for, by itself or by its name, else the folder's own.

        Raises:
          InputError: both are given, or there is none of that name.
        """
        if prompt is not None and prompt_name is not None:
            raise InputError(f"--prompt={prompt} and --prompt_name={prompt_name}: give one of them")
        if prompt is not None:
            return prompt
        name = self.default_prompt_name if prompt_name is None else prompt_name
        if name is None:
            return ""
        if name not in self.prompts:
            known = f"it has {', '.join(self.prompts)}" if self.prompts else "it has none"
            raise InputError(f"--prompt_name={name}: no prompt of {self.model}; {known}; --prompt gives a text")
        return self.prompts[name]


def read_sentence_folder(folder):
    """The SentenceFolder of a folder, or of the model/ in an output folder; of one that is none, or of a file, only
    `model` is said.

    Raises:
      InputError: a file that is not what the library writes.
    """
    inner = model_folder(folder)
    if not os.path.isfile(os.path.join(folder, MODULES)) and os.path.isfile(os.path.join(inner, MODULES)):
        folder = inner
    modules = read_modules(folder)
    if modules is None:
        return SentenceFolder(folder)
    found = {"model": folder, "normalize": False, "unread": None, **_library(os.path.join(folder, LIBRARY_CONFIG))}
    for module in modules:
        read = _MODULES.get(module.kind) if module.is_of_library else None
        said = read(module.folder) if read else {"unread": f"a module {module.kind}"}
        if module.kind == "Pooling" and "pooling" in found:
            said = {"unread": "a second module Pooling"}
        found |= {**said, "unread": found["unread"] or said.get("unread")}
    if "pooling" not in found:
        found["unread"] = found["unread"] or "something else than a module Pooling"
    return SentenceFolder(**found)


def _length(number, what):
    """A number from 1 on, or None. Raises InputError for what is neither."""
    if number is not None and (type(number) is not int or number < 1):
        raise InputError(f"{what} is {json_files.excerpt(number)}, a number above 0 is needed")
    return number


def _library(path):
    """What config_sentence_transformers.json says; {} where there is none."""
    values = _read(path)
    prompts, default = values.get("prompts") or {}, values.get("default_prompt_name")
    if not isinstance(prompts, dict) or not all(text is None or isinstance(text, str) for text in prompts.values()):
        raise InputError(f"{path}: prompts is {json_files.excerpt(prompts)}, an object of names and texts is needed")
    prompts = {**dict.fromkeys(PROMPT_NAMES, ""), **{name: text or "" for name, text in prompts.items()}}
    if default is not None and (not isinstance(default, str) or default not in prompts):
        raise InputError(
            f"{path}: default_prompt_name is {json_files.excerpt(default)}, which is none of its prompts: "
            f"{', '.join(prompts)}"
        )
    known = {**fields.LIBRARY_READ, **fields.LIBRARY_NO_EFFECT}
    return {
        "prompts": prompts,
        "default_prompt_name": default,
        "truncate_dim": _length(values.get("truncate_dim"), f"{path}: truncate_dim"),
        "unread": _other(values, fields.LIBRARY_ONLY, known),
    }


def _transformer(folder):
    path = next((p for name in TRANSFORMER_CONFIGS if os.path.isfile(p := os.path.join(folder, name))), None)
    values = _read(path) if path else {}
    known = {**fields.TRANSFORMER_READ, **fields.TRANSFORMER_NO_EFFECT}
    unread, arguments = _other(values, fields.TRANSFORMER_ONLY, known), {}
    for name in fields.ARGUMENTS:
        given = values.get(name) or {}
        if not isinstance(given, dict):
            raise InputError(f"{path}: {name} is {json_files.excerpt(given)}, an object is needed")
        arguments |= given
        other = sorted(given.keys() - set(fields.HARMLESS_ARGUMENTS))
        unread = unread or (f"{name} {', '.join(other)}" if other else None)
    lower_cases = values.get("do_lower_case") or False
    if not isinstance(lower_cases, bool):
        raise InputError(f"{path}: do_lower_case is {json_files.excerpt(lower_cases)}, true or false is needed")
    own = _length(values.get("max_seq_length"), f"{path}: max_seq_length")
    own = own or _length(arguments.get("model_max_length"), f"{path}: model_max_length")
    return {
        "model": folder,
        "max_seq_length": own or _longest_by_default(folder),
        "lower_cases": lower_cases,
        "unread": unread,
    }


def _longest_by_default(folder):
    """The tokenizer's length, as far as the model has positions; None where neither says one."""
    positions = _read(os.path.join(folder, "config.json")).get("max_position_embeddings")
    path = os.path.join(folder, CONFIG_NAME)
    lengths = [model_max_length(_read(path), path), positions if type(positions) is int and positions > 0 else None]
    return min((length for length in lengths if length), default=None)


def _pooling(folder):
    path = os.path.join(folder, "config.json")
    if not os.path.isfile(path):
        raise InputError(f"{path}: missing, but {MODULES} names it; copy the whole folder, or remove {MODULES}")
    values = _read(path)
    known = {**fields.POOLING_READ, **fields.POOLING_NO_EFFECT, **POOLING_KEYS}
    modes = values.get("pooling_mode") or [name for key, name in POOLING_KEYS.items() if values.get(key)] or "mean"
    modes = [modes] if isinstance(modes, str) else modes
    includes = values.get("include_prompt", True)
    if not isinstance(modes, list) or not all(isinstance(mode, str) for mode in modes):
        raise InputError(f"{path}: pooling_mode is {json_files.excerpt(modes)}, a name or a list of them is needed")
    if not isinstance(includes, bool):
        raise InputError(f"{path}: include_prompt is {json_files.excerpt(includes)}, true or false is needed")
    return {
        "pooling": "+".join(POOLING_MODES.get(mode, mode) for mode in modes),
        "pools_prompt": includes,
        "unread": _other(values, {}, known),
    }


def _normalize(folder):
    return {"normalize": True, "unread": _other(_read(os.path.join(folder, "config.json")), fields.NORMALIZE_ONLY, {})}


_MODULES = {
    "Transformer": _transformer,
    "Pooling": _pooling,
    "Normalize": _normalize,
    "Dropout": lambda folder: {},  # of training
}


def _other(values, only, known):
    """What the first entry with a value that is not computed here means, in words; None where there is none."""
    config_fields.say_unknown(key for key in values if key not in only and key not in known)
    return config_fields.other(values, only)


def _read(path):
    """The object in a file; {} where there is none."""
    return json_files.read(path) if os.path.isfile(path) else {}
