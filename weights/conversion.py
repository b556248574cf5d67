"""A model as it lies on disk, encoder and heads, read in order to be written again in another form."""

import logging

import numpy as np

from bertline.errors import InputError
from bertline.modeling.configuration.head_fields import OBJECTIVE
from bertline.modeling.configuration.task_heads import TASKS
from bertline.processors.layouts import base as layouts
from bertline.processors.layouts import characters
from bertline.processors.layouts.aligned import PLACES
from bertline.weights import heads, load_save, output_embeddings
from bertline.weights.reading import token_embeddings
from bertline.weights.reading.config_file import read_config as read_json

# Entries of config.json that belong to a head and go with it.
_LABELS = ("id2label", "label2id", "problem_type", OBJECTIVE, TASKS)


class WithHeads:
    """An encoder and the heads found with it, as the writers want them.

    Attributes:
      encoder: built, with the weights read.
      arrays: canonical name -> array: the heads, and whatever is to be written in place of an encoder's weight.
      absent: names of the encoder that the source lacks.
      labels: what config.json says of the heads.
      owner: registered name of the objective that has the head, where the configuration says it; else None.
      names_of_heads: weight of a head -> (name in Hugging Face's checkpoints, whether it is transposed there).
    """

    def __init__(self, encoder, owner=None, names_of_tasks=None):
        self.encoder, self.arrays, self.absent, self.labels, self.owner = encoder, {}, set(), {}, owner
        self.names_of_heads = heads.huggingface_names(owner) | (names_of_tasks or {})

    def named_weights(self):
        variables = self.encoder.named_weights()
        return {name: variables[name] for name in variables if name not in self.absent} | self.arrays

    def huggingface_names(self):
        return self.encoder.huggingface_names() | self.names_of_heads


def model_type(source, config_file=None):
    """The encoder that a configuration names; the original's files name none, and are BERT's."""
    config = read_json(config_file) if config_file else source.config
    if config_file and config is None:
        raise InputError(f"--bert_config_file={config_file}: no such file")
    return (config or {}).get("model_type", "bert")


def storable_words(source):
    """The words of a table of vectors that a vocabulary's file can hold, which has one a line; others are said."""
    kept = [word for word in source.words if word and word == word.strip()]
    if len(kept) < len(source.words):
        logging.warning(
            "%s: %d words are left out, which are empty or have white space around them",
            source.path,
            len(source.words) - len(kept),
        )
    return kept


def words_of(tokenizer):
    """The tokens of a tokenizer in the order of their ids."""
    return tokenizer.convert_ids_to_tokens(range(tokenizer.vocab_size))


def read_config(encoder_class, source, config_file=None):
    """The encoder's configuration in `config_file`, else beside the weights. Raises InputError where there is none."""
    if config_file:
        return encoder_class.config_class.from_json_file(config_file)
    if source.config is None:
        raise InputError(f"{source.path}: no bert_config.json or config.json beside it; give --bert_config_file")
    try:
        return encoder_class.config_class.from_dict(source.config)
    except InputError as error:
        raise InputError(f"{source.config_path or source.path}: {error}") from error


def build(encoder_class, config):
    encoder = encoder_class(config)
    encoder.build()
    return encoder


def read_model(encoder, source):
    """Reads all that the source has for the encoder and for known heads.

    Args:
      encoder: built; its weights are assigned.
      source: a WeightSource.

    Returns:
      WithHeads, and the LoadReport.
    """
    config = source.config or {}
    model = WithHeads(encoder, heads.owner(config), heads.huggingface_names_of_tasks(config))
    # Masked-LM and question-answering models of Hugging Face have no pooler.
    report = load_save.load_weights(model, source, allow_missing=encoder.optional_weights)
    model.absent = set(report.missing)
    stored = source.canonical(model)
    model.arrays = {name: tensor.read() for name, tensor in stored.items() if name in model.names_of_heads}
    output_embeddings.check_tied(model.arrays, source, stored)
    model.labels = {key: value for key, value in (source.config or {}).items() if key in _LABELS}
    report.unused = [name for name in report.unused if name not in model.arrays]
    return model, report


def with_table_of_words(encoder, tokenizer, path=None):
    """An encoder that looks up what it made of the characters of a vocabulary's words until now.

    Args:
      path: a file with the vectors of these words, see `reading.token_embeddings`; None: the encoder makes them.

    Raises:
      InputError: the encoder reads no characters, the vocabulary has no boundaries of sentences, or the file does not
        fit.
    """
    make = getattr(encoder, "with_table_of_words", None)
    if make is None or tokenizer is None:
        what = "no vocabulary" if make else f"an encoder {encoder.config.model_type}"
        flag = "--token_embeddings_file" if path else "--cache_words"
        raise InputError(f"{flag}: {what}; elmo is needed, with the --vocab_file of the words to keep")
    ends = tokenizer.special_id("start"), tokenizer.special_id("end")
    if path:
        return make(token_embeddings.read(path, tokenizer.vocab_size, encoder.config.projection_size), *ends)
    return make(encoder.vectors_of_vocabulary(characters.characters_of_vocabulary(tokenizer)), *ends)


def _places_of_parts(config, shape):
    """The masks of the rows that parts read, none of it padding, and the state that each shared token gets of them."""
    found = {}
    for prefix, part in config.rows_apart().items():
        own = {"input_mask": np.ones(shape, np.int32), PLACES: np.full(shape, np.arange(1, shape[1] + 1), np.int32)}
        found |= {prefix + name: value for name, value in {**own, **_places_of_parts(part.config, shape)}.items()}
    return found


def largest_differences(before, after, config, ids):
    """Output name -> largest absolute difference on random tokens out of `ids`, with padding and two segments.

    An encoder that looks no tokens up gets random numbers of what it reads.
    """
    draw = np.random.default_rng(0)
    shape = (4, min(32, config.max_length or 32))
    lengths = draw.integers(1, shape[1] + 1, [shape[0], 1])
    axes = {name: feature.axes[1:] for name, feature in layouts.get(config.layout).spec.items()}

    def shape_of(name):  # several texts have features with prefixes
        return (*shape, *next((more for known, more in axes.items() if name.endswith(known)), ()))

    limits = config.id_limits().items()
    features = {name: draw.integers(0, limit, shape_of(name), np.int32) for name, (_, limit) in limits}
    if "input_ids" in features:
        features["input_ids"] = draw.choice(ids, shape).astype(np.int32)
    features["input_mask"] = (np.arange(shape[1]) < lengths).astype(np.int32)
    features |= _places_of_parts(config, shape)
    one, other = before(features), after(features)
    real = features["input_mask"][:, :, None]
    return {
        "sequence_output": np.max(np.abs(one["sequence_output"] - other["sequence_output"]) * real),
        "pooled_output": np.max(np.abs(one["pooled_output"] - other["pooled_output"])),
    }
