"""Models that are small enough for a test, with random weights everywhere, and batches for them."""

import numpy as np
import tensorflow as tf

from bertline import registry
from bertline.modeling.encoder import policy
from bertline.modeling.speed.switches import rematerialization, static_shapes

# Of a BERT, for other libraries too.
SIZES = registry.get("encoder", "bert").small().to_dict()
LENGTHS = (11, 4, 1, 7, 9)  # of the sequences of a batch: 42 % is padding


def config(name="bert", dropout=0.0, **changes):
    encoder_class = registry.get("encoder", name)
    return encoder_class.config_class.from_dict({**encoder_class.small(dropout).to_dict(), **changes})


def encoder(name="bert", dtype="float32", for_training=True, static=False, rematerialize=False, **changes):
    """A built encoder; equal `changes` give equal weights."""
    with static_shapes(static), rematerialization(rematerialize):
        built = registry.get("encoder", name)(config(name, **changes), dtype=policy(dtype, for_training))
    built.build()
    randomize(built)
    return built


def randomize(model, seed=0):
    """Weights that leave nothing at 0 or 1, so that a bias or a scale that is left out shows."""
    draw = np.random.default_rng(seed)
    for name, variable in sorted(model.named_weights().items()):
        variable.assign(draw.normal(1.0 if name.endswith("gamma") else 0.0, 0.2, variable.shape))


def features(lengths=LENGTHS, width=None, seed=0, vocab_size=SIZES["vocab_size"]):
    """int32 ids, mask, segments [len(lengths), width]; random ids stand in the padding too.

    None is 0, [PAD]: torch gives its embedding no gradient even where it is a token like any other.
    """
    draw = np.random.default_rng(seed)
    shape = (len(lengths), width or max(lengths))
    return {
        "input_ids": draw.integers(1, vocab_size, shape).astype(np.int32),
        "input_mask": (np.arange(shape[1]) < np.array(lengths)[:, None]).astype(np.int32),
        "segment_ids": draw.integers(0, 2, shape).astype(np.int32),
    }


def inputs(name, lengths=LENGTHS, width=None, seed=0):
    """What an encoder reads: its own features, and the mask of their tokens; random ones stand in the padding too."""
    shape = (len(lengths), width or max(lengths))
    found = registry.get("encoder", name).small_inputs(shape, np.random.default_rng(seed))
    return {**found, "input_mask": (np.arange(shape[1]) < np.array(lengths)[:, None]).astype(np.int32)}


def masked_lm_batch(lengths=(11, 4, 9, 7, 8, 5, 10), predictions=3, seed=0):
    """`features` and what masked_lm learns from: uneven numbers of predictions, so that averaging twice shows."""
    draw = np.random.default_rng(seed)
    shape = (len(lengths), predictions)
    counts = draw.integers(1, predictions + 1, len(lengths))
    return {
        **features(lengths, seed=seed),
        "masked_lm_positions": (draw.random(shape) * np.array(lengths)[:, None]).astype(np.int32),
        "masked_lm_ids": draw.integers(0, SIZES["vocab_size"], shape).astype(np.int32),
        "masked_lm_weights": (np.arange(predictions) < counts[:, None]).astype(np.float32),
        "next_sentence_labels": draw.integers(0, 2, len(lengths)).astype(np.int32),
    }


def classification_batch(lengths=(11, 4, 9, 7, 8, 5, 10), num_labels=3, seed=0):
    labels = np.random.default_rng(seed).integers(0, num_labels, len(lengths)).astype(np.int32)
    return {**features(lengths, seed=seed), "label_ids": labels}


def tensors(batch):
    return {name: tf.constant(array) for name, array in batch.items()}


def objective(name="masked_lm", encoder_options=None, **changes):
    """masked_lm, or sequence_classification of 3 classes, over a small BERT, with random weights."""
    arguments = (3,) if name == "sequence_classification" else ()
    model = registry.get("objective", name)(encoder("bert", **(encoder_options or {}), **changes), *arguments)
    randomize(model)
    return model


def relative_difference(found, expected):
    """Largest difference, relative to the largest expected value."""
    found, expected = np.asarray(found, np.float64), np.asarray(expected, np.float64)
    assert found.shape == expected.shape, f"{found.shape} is not {expected.shape}"
    return np.max(np.abs(found - expected)) / max(np.max(np.abs(expected)), 1e-30)
