"""Ranking of candidates: the loss against a plain restatement, pair by pair; what is not there does not count."""

import keras
import numpy as np
import pytest
import small_models
import tensorflow as tf

from bertline import registry
from bertline.training.optimizers.parameter_groups import ParameterGroup
from bertline.training.optimizers.sgd import SGD
from bertline.training.schedules.constant import Constant
from bertline.training.steps.step import TrainStep
from bertline.weights.load_save import save_huggingface
from bertline.weights.open_model import open_model

# Tokens of each query's candidates, 0 where there is none, and which are right: of the last query none is.
LENGTHS = np.array([[7, 4, 9], [5, 6, 0], [3, 8, 4], [6, 6, 2]])
LABELS = np.array([[0, 1, 0], [1, 0, -1], [1, 1, 0], [0, 0, 0]], np.float32)


def batch():
    found = {"label_ids": LABELS, "example_index": np.arange(4, dtype=np.int32)}
    for number in range(3):
        texts = small_models.features(LENGTHS[:, number], width=9, seed=number)
        found |= {f"c{number}_{name}": array for name, array in texts.items()}
    return found


def model(**options):
    encoder = small_models.encoder(num_hidden_layers=1, classifier_dropout=0.0, **options)
    objective = registry.get("objective", "candidate_ranking")(encoder)
    small_models.randomize(objective)
    return objective


def restated(objective):
    """(scores of the candidates that are there, losses of the first three queries)."""
    weights = {name: objective.named_weights()[name].numpy() for name in ("ranking_weights", "ranking_bias")}
    rows, scores, losses = batch(), [], []
    for i in range(4):
        own = []
        for number in np.flatnonzero(LENGTHS[i]):
            pair = {
                name: tf.constant(rows[f"c{number}_{name}"][i : i + 1, : LENGTHS[i, number]])
                for name in ("input_ids", "input_mask", "segment_ids")
            }
            pooled = objective.encoder(pair)["pooled_output"].numpy()[0]
            own.append(pooled @ weights["ranking_weights"][0] + weights["ranking_bias"][0])
        scores.append(np.array(own))
        right = LABELS[i, : len(own)] > 0
        losses.append(-np.mean(np.log((np.exp(own) / np.exp(own).sum())[right])) if right.any() else None)
    return scores, losses[:3]


@pytest.mark.parametrize("options", [{}, {"static": True}])
def test_the_loss_is_a_softmax_over_the_candidates_of_a_query(options):
    objective = model(**options)
    scores, losses = restated(model())
    features = small_models.tensors(batch())
    outputs = objective(features)
    for found, is_there, expected in zip(outputs["scores"].numpy(), outputs["is_there"].numpy(), scores):
        np.testing.assert_allclose(found[is_there > 0], expected, atol=1e-5)
    np.testing.assert_allclose(objective.losses(features, outputs)["loss"][:3], losses, rtol=1e-4)
    assert objective.loss_weights(features)["loss"].numpy().tolist() == [1, 1, 1, 0]


@pytest.mark.long
def test_a_batch_that_is_cut_has_the_same_step():
    found = []
    for micro_batches in (1, 2):
        objective = model()
        named = objective.named_weights()
        before = {name: weight.numpy() for name, weight in named.items()}
        optimizer = SGD(named, Constant(1.0, 1), groups=[ParameterGroup("")])
        step = TrainStep(objective, optimizer, tf.Variable(0, dtype=tf.int64), 3, micro_batches, max_grad_norm=0.0)
        scalars = tf.function(step)(small_models.tensors(batch()))
        found.append((float(scalars["loss"]), {name: before[name] - w.numpy() for name, w in named.items()}))
    assert found[0][0] == pytest.approx(np.mean(restated(model())[1]), rel=1e-4)
    assert found[1][0] == pytest.approx(found[0][0], rel=1e-5)
    for name, gradient in found[0][1].items():
        np.testing.assert_allclose(found[1][1][name], gradient, atol=1e-5, err_msg=name)


def test_a_folder_gives_the_head_back(tmp_path):
    objective = model()
    labels = registry.get("labels", "ranking")(num_candidates=3)
    save_huggingface(objective, tmp_path, None, {**objective.saved_entries(), **labels.config_entries()})
    keras.utils.set_random_seed(0)
    encoder = registry.get("encoder", "bert")(objective.encoder.config)
    encoder.build()
    head, found = open_model(str(tmp_path), vocab_required=False).read_head(encoder)
    assert type(head) is type(objective) and found.num_candidates == 3
    np.testing.assert_array_equal(head.ranking_weights.numpy(), objective.ranking_weights.numpy())
