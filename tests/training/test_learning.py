"""Each objective learns a few dozen rows by heart."""

import keras
import numpy as np
import pytest
import small_models
import tensorflow as tf

from bertline import registry
from bertline.training.optimizers.adamw import AdamW
from bertline.training.schedules.linear import Linear
from bertline.training.steps.step import TrainStep

pytestmark = pytest.mark.slow

LENGTHS = tuple(np.random.default_rng(5).integers(4, 12, 24))


def classification(problem_type):
    draw = np.random.default_rng(1)
    labels = {
        "single_label_classification": draw.integers(0, 3, 24).astype(np.int32),
        "multi_label_classification": draw.integers(0, 2, [24, 3]).astype(np.float32),
        "regression": draw.uniform(0, 5, 24).astype(np.float32),
    }[problem_type]
    return (
        "sequence_classification",
        (1 if problem_type == "regression" else 3, problem_type),
        {
            **small_models.features(LENGTHS),
            "label_ids": labels,
        },
    )


def masked_lm():
    batch = small_models.masked_lm_batch(LENGTHS)
    first = [np.isin(np.arange(3), np.unique(row, return_index=True)[1]) for row in batch["masked_lm_positions"]]
    return "masked_lm", (), {**batch, "masked_lm_weights": batch["masked_lm_weights"] * first}


def two_texts(more):
    """Features of texts a and b of each row, and what else is given."""
    texts = {text: small_models.features(LENGTHS, seed=seed) for seed, text in enumerate("ab")}
    return {f"{text}_{name}": array for text, features in texts.items() for name, array in features.items()} | more


def similarity_regression():
    scores = np.random.default_rng(1).uniform(0, 5, 24).astype(np.float32)
    return "similarity_regression", ("mean", (0.0, 5.0)), two_texts({"label_ids": scores})


CASES = {
    "classes": classification("single_label_classification"),
    "several labels": classification("multi_label_classification"),
    "scores": classification("regression"),
    "masked_lm": masked_lm(),
    "similarities": similarity_regression(),
    "responses": ("response_ranking", (), two_texts({})),
}


def beside(key):
    """The name of a feature of a part whose prefix is other_; of texts a and b theirs comes first."""
    text = key[:2] if key[:2] in ("a_", "b_") else ""
    return f"{text}other_{key.removeprefix(text)}"


def characters(batch):
    """The token itself as the one character of each token, for encoders that read characters."""
    ids = {key: ids for key, ids in batch.items() if key.endswith("input_ids")}
    return {f"{key.removesuffix('input_ids')}character_ids": array[:, :, None] for key, array in ids.items()}


def places(batch):
    """Each token has its own state of a part that reads rows apart."""
    masks = {key: mask for key, mask in batch.items() if key.endswith("input_mask")}
    return {
        beside(f"{key.removesuffix('input_mask')}places"): (np.arange(1, mask.shape[1] + 1) * mask).astype(np.int32)
        for key, mask in masks.items()
    }


def predicts_words(name):
    encoder = small_models.encoder(name)
    return encoder.num_layers > 0 and encoder.output_table() is not None


def pairs():
    """Every encoder with classes and with masked words, BERT with every objective; the rest is long."""
    for name in registry.names("encoder"):
        for case in CASES:
            is_short = name == "bert" or case in ("classes", "masked_lm")
            yield pytest.param(name, case, marks=() if is_short else pytest.mark.long)


@pytest.mark.parametrize("name, case", pairs())
def test_learns_by_heart(name, case, monkeypatch):
    monkeypatch.setattr("bertline.modeling.objectives.classification.sequence_classification.HEAD_DROPOUT", 0.0)
    kind, arguments, batch = CASES[case]
    if case == "masked_lm" and not predicts_words(name):
        pytest.skip("a token's state knows no other token, or there is no table that a softmax could share")
    # A second input, where an encoder has one.
    batch = batch | characters(batch) | places(batch) | {beside(key): ids for key, ids in batch.items()}
    keras.utils.set_random_seed(0)  # Keras takes the seeds of initialisers from Python's `random`
    encoder = small_models.encoder(name, num_hidden_layers=2, hidden_size=32)
    objective = registry.get("objective", kind)(encoder, *arguments)
    steps = 200 if encoder.attention_layers() else 500  # recurrent ones take longer
    optimizer = AdamW(objective.named_weights(), Linear(6e-3, steps, 10), bias_correction=True)
    step = TrainStep(objective, optimizer, tf.Variable(0, dtype=tf.int64), 0)
    run, batch = tf.function(step), small_models.tensors(batch)
    losses = [float(run(batch)["loss"]) for _ in range(steps)]
    assert losses[-1] < 0.05 * losses[0], losses[::25]
