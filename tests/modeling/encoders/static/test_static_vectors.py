"""A table of word vectors: its vectors, its mean, gradients of single rows, a table that stays as it is."""

import numpy as np
import pytest
import small_models
import tensorflow as tf

from bertline import registry
from bertline.errors import InputError
from bertline.modeling.encoders.static.static_vectors import StaticVectors, StaticVectorsConfig
from bertline.training.optimizers.adagrad import Adagrad
from bertline.training.optimizers.adamw import AdamW
from bertline.training.steps.step import TrainStep


def test_vectors_and_their_mean():
    encoder, batch = small_models.encoder("static_vectors"), small_models.features((3, 1))
    [table] = [variable.numpy().copy() for variable in encoder.named_weights().values()]
    outputs = encoder(batch)
    np.testing.assert_array_equal(outputs["sequence_output"], table[batch["input_ids"]])
    words = [table[batch["input_ids"][0, :3]].mean(axis=0), table[batch["input_ids"][1, 0]]]
    np.testing.assert_allclose(outputs["pooled_output"], words, rtol=1e-6)


@pytest.mark.parametrize("name", ["static_vectors", "awd_lstm"])
def test_the_gradient_is_of_single_rows(name):
    """Of the variable itself: a table that is read whole is copied, once single rows of it were changed."""
    encoder, batch = small_models.encoder(name), small_models.features((3, 1))
    table = encoder.word_embeddings.value

    def gradient():
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(table)
            total = tf.reduce_sum(encoder(batch)["pooled_output"])
        return tape.gradient(total, table)

    graph = tf.function(gradient).get_concrete_function()
    assert isinstance(gradient(), tf.IndexedSlices)
    reads = [op for op in graph.graph.get_operations() if op.type == "ReadVariableOp" and op.outputs[0].shape[0] == 60]
    assert [op.name for op in graph.graph.get_operations() if op.type == "ResourceGather"] and not reads


@pytest.mark.parametrize("optimizer_class", [AdamW, Adagrad])
def test_a_table_that_is_not_trained(optimizer_class):
    """No optimizer has it among its weights, and a step with weight decay leaves it as it is."""
    encoder = StaticVectors(StaticVectorsConfig(vocab_size=60, width=16, trainable=False))
    objective = registry.get("objective", "sequence_classification")(encoder, 3)
    small_models.randomize(objective)
    optimizer = optimizer_class(objective.named_weights(), lambda step: tf.constant(0.1))
    assert sorted(optimizer.weights) == ["output_bias", "output_weights"]
    before = {name: variable.numpy().copy() for name, variable in objective.named_weights().items()}
    step = TrainStep(objective, optimizer, tf.Variable(0, dtype=tf.int64), 7)
    step(small_models.tensors(small_models.classification_batch()))
    changed = [n for n, variable in objective.named_weights().items() if np.any(before[n] != variable.numpy())]
    assert sorted(changed) == ["output_bias", "output_weights"]


@pytest.mark.parametrize("field, value", [("vocab_size", 0), ("width", -1), ("dropout", 1.0)])
def test_bad_values(field, value):
    with pytest.raises(InputError, match=f"configuration field '{field}' is {value}"):
        StaticVectorsConfig(**{"vocab_size": 5, field: value})
