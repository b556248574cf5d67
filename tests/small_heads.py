"""A small tagger, reader of answers and ranker of candidates with random weights, written as the scripts do."""

import json

import keras
from small_classifiers import CONFIG, letters

from bertline import registry
from bertline.modeling.encoders.transformers.bert import Bert, BertConfig
from bertline.processors.labels.base import make_labels
from bertline.weights.load_save import save_huggingface

TAGS = ("O", "B-PER", "I-PER", "B-LOC", "I-LOC")


def tagger_folder(folder, tags=TAGS, crf=False, encoder=None, **options):
    """Writes a `token_classification` of words of letters into `folder`.

    encoder: None: a small Bert. options: of its labels.
    """
    labels = make_labels("tags", tags, **options)
    return _folder(folder, "token_classification", labels, encoder=encoder, num_labels=len(tags), crf=crf)


def reader_folder(folder, **entries):
    """Writes a `span_extraction` into `folder`; `entries` of its config.json."""
    return _folder(folder, "span_extraction", make_labels("spans"), entries)


def ranker_folder(folder, num_candidates=3):
    """Writes a `candidate_ranking` into `folder`; num_candidates: of a row."""
    return _folder(folder, "candidate_ranking", make_labels("ranking", num_candidates=num_candidates))


def _folder(folder, name, labels, entries=None, encoder=None, **arguments):
    keras.utils.set_random_seed(5)
    tokenizer = letters(folder / "vocab.txt")
    encoder = encoder or Bert(BertConfig(vocab_size=tokenizer.vocab_size, **CONFIG))
    objective = registry.get("objective", name)(encoder, **arguments)
    for number, (weight, variable) in enumerate(sorted(objective.named_weights().items())):
        if weight not in encoder.named_weights():
            variable.assign(keras.random.normal(variable.shape, stddev=1.0, seed=number))
    said = {**objective.saved_entries(), **labels.config_entries(), **(entries or {})}
    save_huggingface(objective, folder, tokenizer, json.loads(json.dumps(said)))
    return folder
