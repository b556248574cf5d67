"""A model as it lies on disk: its encoder, configuration, tokenizer, weights and head, whoever wrote it."""

import dataclasses
import functools
import logging
import os

from bertline import registry
from bertline.errors import InputError
from bertline.modeling.configuration.config import EncoderConfig
from bertline.modeling.configuration.head_fields import label_names
from bertline.modeling.encoder import Encoder, policy
from bertline.modeling.speed.switches import rematerialization, static_shapes
from bertline.processors.labels.base import make_labels
from bertline.processors.layouts.document_windows import saved_windows
from bertline.processors.tokenization import load_tokenizer, tokenizer_of_words, vocabulary_names
from bertline.processors.tokenizers.tokenizer import Tokenizer
from bertline.weights import heads, parts_of_model, task_view
from bertline.weights.conversion import WithHeads, model_type, words_of
from bertline.weights.load_save import load_weights, open_weights
from bertline.weights.reading.source import WeightSource
from bertline.weights.saved_head import warn_of_cross_encoder

# Released models round the table of words up to a multiple of 8 to 128; a larger difference is another vocabulary.
UNUSED_ROWS_ALLOWED = 128


@dataclasses.dataclass(frozen=True)
class ModelSettings:
    """How a model is computed.

    Attributes:
      dtype: of bertline.modeling.dtypes.DTYPES.
      static_shapes: whether padding is computed, so that few shapes occur.
      rematerialize: whether activations are computed again in the backward pass.
    """

    dtype: str = "float32"
    static_shapes: bool = False
    rematerialize: bool = False


@dataclasses.dataclass
class OpenedModel:
    """What a folder or a checkpoint has, checked against each other; nothing is built.

    Attributes:
      encoder_class, config: the class of the encoder, and an EncoderConfig.
      tokenizer: see bertline.processors.tokenization; None where no vocabulary is known.
      weights: a WeightSource; None where a configuration alone was given.
      has_own_config: whether the configuration is another file than the one beside the weights, so that an encoder of
        fewer layers is meant to begin as the first of them.
    """

    encoder_class: type[Encoder]
    config: EncoderConfig
    tokenizer: Tokenizer | None
    weights: WeightSource | None
    has_own_config: bool = False

    @property
    def tasks(self):
        """The names of the tasks that the folder has heads for; () where it is of one task."""
        return task_view.tasks_of(self.weights) if self.weights else ()

    def of_task(self, task):
        """What the folder of one task alone would be. Raises InputError for a task that is not there, or not named."""
        return dataclasses.replace(self, weights=task_view.view(self.weights, task))

    def of_task_if_there(self, task):
        """The same; itself where there is no such task."""
        return dataclasses.replace(self, weights=task_view.view_if_there(self.weights, task))

    def build(self, make_objective, settings, for_training):
        """Encoder and objective with random weights.

        Args:
          make_objective: encoder -> Objective.
          settings: ModelSettings.
          for_training: half precision keeps float32 weights in training, stores the cast ones for inference.
        """
        with static_shapes(settings.static_shapes), rematerialization(settings.rematerialize and for_training):
            encoder = self.encoder_class(self.config, dtype=policy(settings.dtype, for_training))
            return make_objective(encoder)

    def _for_tokenizer(self, source, prefixes=()):
        """The source; of vectors of words those of the tokenizer's vocabulary, in its order.

        prefixes: of the part whose tokenizer it is.
        """
        if source.words is None or self.tokenizer is None:
            return source
        tokenizer = functools.reduce(lambda whole, prefix: whole.part(prefix), prefixes, self.tokenizer)
        return source.for_vocabulary(words_of(tokenizer))

    def load_into(self, objective, allow_missing=None):
        """Reads the initial weights and prints what was found; returns the LoadReport, None without a checkpoint."""
        if self.weights is None:
            parts = objective.encoder.initial_weights()
            for part, path, prefixes in parts:
                source = self._for_tokenizer(open_weights(path), prefixes)
                load_weights(part, source, allow_missing=part.optional_weights).log()
            logging.warning("no --init_checkpoint: every %sweight starts at random", "other " if parts else "")
            return None
        report = load_weights(objective, self._for_tokenizer(self.weights), allow_missing=allow_missing)
        report.begins_with_first_layers = self.has_own_config
        report.log()
        return report

    def read_head(self, encoder, without_weights=False):
        """The head that lies beside the encoder, where it is one of fine-tuning.

        Args:
          encoder: built, of `encoder_class`.
          without_weights: whether one counts that is in the configuration alone, as of cosines of vectors: a folder
            of such a head is one of vectors to all others.

        Returns:
          (Objective over the encoder, or over one that reads windows with it, Labels), or None where there is no head.

        Raises:
          InputError: a part of the head is missing or of another shape, or the configuration says of it what cannot be.
        """
        config, weights = self.weights.config or {}, self.weights
        stored = heads.present(weights.canonical(WithHeads(encoder, heads.owner(config))), encoder)
        name = heads.owner(config, stored)
        if not heads.has(name, stored) and not (without_weights and heads.has_no_weights(name)):
            return None
        shapes = weights.shapes(WithHeads(encoder, name))
        # What Hugging Face has no name for keeps its own there, with dots.
        shapes = {**{name.replace(".", "/"): shape for name, shape in shapes.items()}, **shapes}
        objective = registry.get("objective", name).from_saved(by_windows(encoder, config), config, shapes)
        load_weights(_Head(objective), weights, required=lambda name: True)
        warn_of_cross_encoder(config, weights.config_path)
        return objective, _labels(config, objective)


def open_model(
    path=None,
    *,
    bert_config_file=None,
    vocab_file=None,
    do_lower_case=None,
    max_seq_length=1,
    last_vocab_file=None,
    vocab_required=True,
):
    """Reads all that describes a model, and where its weights are.

    Args:
      path: what `open_weights` takes; None for a configuration alone.
      bert_config_file, vocab_file, do_lower_case: where nothing beside the weights says it, or something else is meant.
      max_seq_length: tokens that the model must have positions for.
      last_vocab_file: the vocabulary where none is given and none lies beside the weights or the configuration.
      vocab_required: whether it is an error that there is no vocabulary.

    Raises:
      InputError: something is missing, damaged, or does not fit the rest.
    """
    weights = open_weights(path) if path else None
    if not bert_config_file and (weights is None or weights.config is None):
        raise InputError("--bert_config_file is needed: no configuration lies beside --init_checkpoint")
    vocabulary = vocab_file or _vocabulary_beside(weights, bert_config_file) or last_vocab_file
    tokenizer = load_tokenizer(vocabulary, do_lower_case) if vocabulary else None
    if tokenizer is None and weights and weights.words is not None:
        tokenizer = tokenizer_of_words(weights.words, weights.path, do_lower_case)
    if tokenizer is None and vocab_required:
        raise InputError("--vocab_file is needed: no vocabulary lies beside --init_checkpoint")
    encoder_class, config = _config(weights, bert_config_file, tokenizer)
    _check(config, tokenizer, max_seq_length)
    if tokenizer is not None:
        add_tokenizers_of_parts(tokenizer, config, weights, vocab_file)
        for prefix, part in config.rows_apart().items():
            _check(part.config, tokenizer.part(prefix), 1)
    return OpenedModel(encoder_class, config, tokenizer, weights, bert_config_file is not None)


def add_tokenizers_of_parts(tokenizer, config, weights, vocab_file=None):
    """Gives a tokenizer those of the parts that read rows of their own.

    They are those of the parts' weights where the configuration names these, else they lie beside the vocabulary.

    Args:
      tokenizer: None: there is none, and nothing to add to. config: EncoderConfig.
      weights: a WeightSource, or None. vocab_file: where no vocabulary lies beside the weights.

    Raises:
      InputError: no vocabulary of a part is there.
    """
    if tokenizer is not None:
        beside = weights and weights.vocab_folder
        folder = beside or (os.path.dirname(vocab_file) if vocab_file else None)
        parts_of_model.add_tokenizers(tokenizer, config, folder, lambda part: open_model(part).tokenizer)


def _config(weights, config_file, tokenizer):
    if config_file:
        encoder_class = registry.get("encoder", model_type(weights, config_file))
        # A configuration that leaves its vocab_size out takes any vocabulary.
        size = {"vocab_size": tokenizer.vocab_size} if tokenizer else {}
        return encoder_class, encoder_class.config_class.from_json_file(config_file, parts_of_model.config_at, **size)
    values = weights.config
    encoder_class = registry.get("encoder", model_type(weights))
    try:
        return encoder_class, encoder_class.config_class.from_dict(values)
    except InputError as error:
        raise InputError(f"{weights.config_path or weights.path}: {error}") from error


def _vocabulary_beside(weights, config_file):
    """The vocabulary beside the weights or the configuration, or None."""
    if weights and weights.vocab_folder:
        return weights.vocab_folder
    if not config_file:
        return None
    folder = os.path.dirname(config_file) or "."
    return folder if any(os.path.exists(os.path.join(folder, name)) for name in vocabulary_names()) else None


def _check(config, tokenizer, max_seq_length):
    name, size = config.id_limits().get("input_ids", (None, None))
    if tokenizer and size is not None:
        unused = size - tokenizer.vocab_size
        if unused < 0 or unused >= UNUSED_ROWS_ALLOWED:
            raise InputError(
                f"the vocabulary has {tokenizer.vocab_size} tokens, the model's configuration says {name} {size}; "
                "use the vocabulary that belongs to the model"
            )
    check_length(config, max_seq_length)


def check_length(config, max_seq_length):
    """Raises InputError where a model has no positions for so many tokens."""
    if config.max_length is not None and max_seq_length > config.max_length:
        raise InputError(
            f"--max_seq_length={max_seq_length}: the model has positions for {config.max_length} tokens "
            "(max_position_embeddings)"
        )


def by_windows(encoder, config):
    """The encoder; one that reads documents by windows with it, where a config.json says so.

    Raises:
      InputError: a damaged entry.
    """
    said = saved_windows(config)
    if said is None:
        return encoder
    from bertline.modeling.windows_encoder import WindowsEncoder

    # The last windows of documents are short, however well the documents of a batch were chosen.
    encoder.remove_padding = True
    return WindowsEncoder(encoder, said["pooling"])


def _labels(config, objective):
    kind = getattr(objective, "problem_type", objective.problem_types[0])
    options = registry.get("labels", kind).saved_options(config)
    if not (objective.labelled and hasattr(objective, "num_labels")) or kind == "regression":
        return make_labels(kind, **options)
    names = label_names(config) or []
    if len(names) != objective.num_labels:
        names = [f"LABEL_{i}" for i in range(objective.num_labels)]
    return make_labels(kind, names, **options)


class _Head:
    """The weights of an objective that are not its encoder's."""

    def __init__(self, objective):
        self._objective, self.encoder = objective, objective.encoder
        self.huggingface_names = objective.huggingface_names

    def named_weights(self):
        encoder = self.encoder.named_weights()
        return {name: variable for name, variable in self._objective.named_weights().items() if name not in encoder}
