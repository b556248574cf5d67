"""From settings to a model: where weights, configuration and vocabulary come from, and whether they fit together."""

import dataclasses
import inspect
import logging
import os

import keras

import registry
from errors import InputError
from modeling.encoder import DTYPES, policy
from modeling.switches import rematerialization, static_shapes
from processors.tokenization import load_tokenizer, tokenizer_of_words, vocabulary_names
from training.weight_formats.config_file import read_config
from training.weights import load_weights, open_weights

# Released models round the table of words up to a multiple of 8 to 128; a larger difference is another vocabulary.
UNUSED_ROWS_ALLOWED = 128


class ModelSource:
    """Configuration, tokenizer and weights of a run, checked against each other before anything is built.

    Attributes:
      config: an encoder's config object. weights: a WeightSource or None.
      tokenizer: see processors.tokenization; None where no vocabulary is known and none is required.
    """

    def __init__(self, settings, vocab_file=None, vocab_required=True):
        """Raises InputError for all that does not fit.

        Args:
          settings: RunSettings.
          vocab_file: the vocabulary where neither the settings nor the weights nor the configuration have one.
          vocab_required: whether it is an error that there is none.
        """
        if settings.dtype not in DTYPES:
            raise InputError(f"--dtype={settings.dtype}: one of {', '.join(DTYPES)} is needed")
        self.weights = open_weights(settings.init_checkpoint) if settings.init_checkpoint else None
        if not settings.bert_config_file and (self.weights is None or self.weights.config is None):
            raise InputError("--bert_config_file is needed: no configuration lies beside --init_checkpoint")
        vocabulary = settings.vocab_file or self._vocabulary_beside(settings) or vocab_file
        words = self.weights.words if self.weights else None
        if vocabulary is not None:
            self.tokenizer = load_tokenizer(vocabulary, settings.do_lower_case)
        elif words is not None:
            self.tokenizer = tokenizer_of_words(words, self.weights.path, settings.do_lower_case)
        elif vocab_required:
            raise InputError("--vocab_file is needed: no vocabulary lies beside --init_checkpoint")
        else:
            self.tokenizer = None
        self.encoder_class, self.config = self._config(settings)
        self._check(settings)

    def _config(self, settings):
        if settings.bert_config_file:
            encoder_class = registry.get("encoder", _model_type(settings.bert_config_file))
            # A configuration that leaves its vocab_size out takes any vocabulary.
            size = {"vocab_size": self.tokenizer.vocab_size} if self.tokenizer else {}
            return encoder_class, encoder_class.config_class.from_json_file(settings.bert_config_file, **size)
        values = self.weights.config
        encoder_class = registry.get("encoder", values.get("model_type", "bert"))
        try:
            return encoder_class, encoder_class.config_class.from_dict(values)
        except InputError as error:
            raise InputError(f"{self.weights.config_path or self.weights.path}: {error}") from error

    def _vocabulary_beside(self, settings):
        """The vocabulary beside the weights or the configuration, or None."""
        if self.weights and self.weights.vocab_folder:
            return self.weights.vocab_folder
        if not settings.bert_config_file:
            return None
        folder = os.path.dirname(settings.bert_config_file) or "."
        return folder if any(os.path.exists(os.path.join(folder, name)) for name in vocabulary_names()) else None

    def _check(self, settings):
        tokenizer, longest = self.tokenizer, self.config.max_length
        name, size = self.config.id_limits().get("input_ids", (None, None))
        if tokenizer and size is not None:
            unused = size - tokenizer.vocab_size
            if unused < 0 or unused >= UNUSED_ROWS_ALLOWED:
                raise InputError(
                    f"the vocabulary has {tokenizer.vocab_size} tokens, the model's configuration says {name} {size}; "
                    "use the vocabulary that belongs to the model"
                )
        if longest is not None and settings.max_seq_length > longest:
            raise InputError(
                f"--max_seq_length={settings.max_seq_length}: the model has positions for {longest} tokens "
                "(max_position_embeddings)"
            )

    def build(self, settings, make_objective, for_training):
        """Encoder and objective with random weights.

        Args:
          make_objective: encoder -> Objective.
          for_training: half precision keeps float32 weights in training, stores the cast ones for inference.
        """
        rematerialize = settings.rematerialize and for_training
        with static_shapes(uses_static_shapes(settings)), rematerialization(rematerialize):
            encoder = self.encoder_class(self.config, dtype=policy(settings.dtype, for_training))
            return make_objective(encoder)

    def _for_tokenizer(self, source):
        """The source; of vectors of words those of the tokenizer's vocabulary, in its order."""
        if source.words is None or self.tokenizer is None:
            return source
        return source.for_vocabulary(self.tokenizer.convert_ids_to_tokens(range(self.tokenizer.vocab_size)))

    def load_into(self, objective, allow_missing=None):
        """Reads the initial weights and prints what was found; returns the LoadReport, None without a checkpoint."""
        if self.weights is None:
            parts = objective.encoder.initial_weights()
            for part, path in parts:
                load_weights(part, self._for_tokenizer(open_weights(path)), allow_missing=part.optional_weights).log()
            logging.warning("no --init_checkpoint: every %sweight starts at random", "other " if parts else "")
            return None
        report = load_weights(objective, self._for_tokenizer(self.weights), allow_missing=allow_missing)
        report.log()
        return report


def arguments_of(objective_class, settings, **known):
    """What the constructor of an objective takes beside the encoder: of `known`, else settings of the same name."""
    found = {**{field.name: getattr(settings, field.name) for field in dataclasses.fields(settings)}, **known}
    return {name: found[name] for name in inspect.signature(objective_class.__init__).parameters if name in found}


def _model_type(config_file):
    """The encoder that a configuration names; the original's files name none, and are BERT's."""
    config = read_config(config_file)
    if config is None:
        raise InputError(f"--bert_config_file={config_file}: no such file")
    return config.get("model_type", "bert")


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
