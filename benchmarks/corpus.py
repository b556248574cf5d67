"""The work of the pre-training benchmark: running text as full batches, and models of random weights."""

import glob
import itertools
import json
import os
import shutil

import numpy as np

MASKED_LM_PROB = 0.15
VOCABULARY = "vocab.txt"


def write_model(folder, layers, width, vocabulary, heads=12):
    """Writes a BertForPreTraining of random weights, in the Hugging Face layout, from which every side starts."""
    import torch
    import transformers

    with open(vocabulary, encoding="utf-8") as file:
        vocab_size = sum(1 for _ in file)
    transformers.logging.disable_progress_bar()
    torch.manual_seed(0)
    config = transformers.BertConfig(
        vocab_size=vocab_size,
        hidden_size=width,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        intermediate_size=4 * width,
    )
    transformers.BertForPreTraining(config).save_pretrained(folder)
    shutil.copy(vocabulary, os.path.join(folder, VOCABULARY))


def write_batches(path, pattern, vocabulary, shapes, steps, short_share=0.0, seed=1):
    """Writes batches of [CLS] a [SEP] b [SEP], cut from running text, to a file that `work.Batches` reads.

    Args:
      pattern: glob of text files; their text is used from the start again where it does not suffice.
      vocabulary: path of a vocab.txt.
      shapes: length -> (rows of a batch, predictions of a row); the length names the order of batches.
      steps: batches of each length.
      short_share: share of the rows that end early, at any length.
    """
    import tensorflow as tf

    from bertline.processors.corpora.masked.dynamic_masking import DynamicMasking
    from bertline.processors.tokenization import FullTokenizer

    tokenizer = FullTokenizer(vocabulary, do_lower_case=True)
    lines = []
    for name in sorted(glob.glob(pattern)):
        with open(name, encoding="utf-8") as file:
            lines += file.read().splitlines()
    text, draw = itertools.cycle(tokenizer.encode_batch(lines)[0].tolist()), np.random.default_rng(seed)
    special = {"cls": tokenizer.cls_id, "sep": tokenizer.sep_id}
    arrays = {}
    for length, (rows, predictions) in shapes.items():
        masking = DynamicMasking(
            tokenizer.mask_id, tokenizer.vocab_size, special.values(), predictions, MASKED_LM_PROB, seed=seed
        )
        for i in range(steps):
            batch = _batch(text, draw, rows, length, short_share, **special)
            for name, tensor in masking(i, {name: tf.constant(array) for name, array in batch.items()}).items():
                arrays[f"train/{length}/{i}/{name}"] = tensor.numpy()
    np.savez(path, **arrays)


def head_operations(batches, model):
    """Floating point operations of training the head of masked LM, at the positions that are predicted.

    2 * (H^2 + V H) for each, 3 times that in training; that of next sentence is nothing beside it.
    """
    with open(os.path.join(model, "config.json"), encoding="utf-8") as file:
        config = json.load(file)
    predictions = sum(batch["masked_lm_weights"].sum() for batch in batches)
    return 3 * 2 * predictions * config["hidden_size"] * (config["hidden_size"] + config["vocab_size"])


def _batch(text, draw, rows, length, short_share, cls, sep):
    batch = {name: np.zeros([rows, length], np.int32) for name in ("input_ids", "input_mask", "segment_ids")}
    for row in range(rows):
        total = draw.integers(8, length) if draw.random() < short_share else length
        cut = draw.integers(2, total - 3)
        ids = [cls, *itertools.islice(text, total - 3), sep]
        ids.insert(int(cut), sep)
        batch["input_ids"][row, :total] = ids
        batch["input_mask"][row, :total] = 1
        batch["segment_ids"][row, cut + 1 : total] = 1
    # b always follows a; a label at random takes the same time to learn.
    batch["next_sentence_labels"] = draw.integers(0, 2, rows).astype(np.int32)
    batch["example_index"] = np.arange(rows, dtype=np.int32)
    return batch
