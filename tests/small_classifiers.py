"""A small fine-tuned model with random weights, written as run_classifier.py writes it."""

import json
import string

import keras

from bertline.modeling.encoders.transformers.bert import Bert, BertConfig
from bertline.modeling.objectives.classification.sequence_classification import SequenceClassification
from bertline.processors.tokenization import FullTokenizer
from bertline.weights.load_save import save_huggingface

CONFIG = {
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 64,
    "max_position_embeddings": 64,
    "type_vocab_size": 2,
    "initializer_range": 0.3,
}
COLOURS = ("red", "green", "blue")


def classifier_folder(folder, problem_type="single_label_classification", count=3, tokenizer=None):
    """Writes config.json, model.safetensors and a tokenizer, by default with a vocabulary of letters, into `folder`."""
    keras.utils.set_random_seed(4)
    tokenizer = tokenizer or letters(folder / "vocab.txt")
    encoder = Bert(BertConfig(vocab_size=tokenizer.vocab_size, **CONFIG))
    objective = SequenceClassification(encoder, count, problem_type)
    weights = objective.named_weights()["output_weights"]
    weights.assign(keras.random.normal(weights.shape, stddev=0.5, seed=1))
    names = dict(enumerate(COLOURS if count > 1 else ["score"]))
    labels = {"id2label": names, "label2id": {name: i for i, name in names.items()}, "problem_type": problem_type}
    save_huggingface(objective, folder, tokenizer, json.loads(json.dumps(labels)))
    return folder


def letters(path):
    """A tokenizer of letters and some signs, whose vocabulary is written."""
    pieces = [form for char in string.ascii_lowercase + "σ" for form in (char, f"##{char}")]
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *pieces, *",.?!🙂北", "fed"]
    path.write_text("\n".join(vocabulary) + "\n", encoding="utf-8")
    return FullTokenizer(path)
