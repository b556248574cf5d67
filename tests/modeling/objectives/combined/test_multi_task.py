"""One encoder and several heads: whose weights a step moves, and what a folder says of them."""

import dataclasses

import numpy as np
import pytest
import small_models
import tensorflow as tf

from bertline.errors import InputError
from bertline.modeling.objectives.classification.sequence_classification import SequenceClassification
from bertline.modeling.objectives.combined.multi_task import MultiTask
from bertline.training.optimizers.adamw import AdamW
from bertline.training.schedules.constant import Constant
from bertline.training.steps.step import TrainStep
from bertline.weights import task_view
from bertline.weights.conversion import read_model
from bertline.weights.load_save import load_weights, save_huggingface
from bertline.weights.open_model import open_model

ENTRIES = {
    "tasks": {
        "colour": {"id2label": {"0": "r", "1": "g", "2": "b"}, "problem_type": "single_label_classification"},
        "how-much": {"id2label": {"0": "score"}, "problem_type": "regression"},
    }
}


def several():
    encoder = small_models.encoder("bert", num_hidden_layers=1)
    heads = {
        "colour": SequenceClassification(encoder, 3),
        "how-much": SequenceClassification(encoder, 1, "regression"),
    }
    found = MultiTask(encoder, heads)
    small_models.randomize(found)
    return found


def values(model):
    return {name: weight.numpy() for name, weight in model.named_weights().items()}


def step_of(model, task, optimizer, **options):
    step = tf.Variable(0, dtype=tf.int64, trainable=False)
    return TrainStep(model.of_stream(task), optimizer, step, seed=1, **options)


def test_a_step_moves_the_encoder_and_the_head_of_its_task():
    model = several()
    optimizer, before = AdamW(model.named_weights(), Constant(0.01, 10)), values(model)
    step_of(model, "colour", optimizer)(small_models.tensors(small_models.classification_batch()))
    after = values(model)
    moved = {name for name in before if not np.array_equal(before[name], after[name])}
    assert moved >= {"colour/output_weights", "colour/output_bias", "bert/pooler/dense/kernel"}
    # Adam's weight decay, and the means of earlier gradients, would move a head that has no part in the step.
    assert not moved & {"how-much/output_weights", "how-much/output_bias"}


def test_the_weight_of_a_task_scales_its_gradients():
    def norm(weight):
        model = several()
        step = step_of(model, "colour", AdamW(model.named_weights(), Constant(0.0, 10)), loss_weight=weight)
        found = step(small_models.tensors(small_models.classification_batch()))
        return float(found["grad_norm"]), float(found["loss"])

    (one, loss), (half, same) = norm(1.0), norm(0.5)
    assert half == pytest.approx(one / 2, rel=1e-5) and same == loss


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """(a folder of two tasks, the objective that it was made of)"""
    path, model = tmp_path_factory.mktemp("several"), several()
    save_huggingface(model, path, None, {**model.saved_entries(), **ENTRIES})
    return path, model


def test_a_folder_is_that_of_each_of_its_tasks(folder):
    path, model = folder
    opened = open_model(path, vocab_required=False)
    assert opened.tasks == ("colour", "how-much")
    encoder = small_models.encoder("bert", num_hidden_layers=1)
    for task, problem_type, names in (
        ("colour", "single_label_classification", ["r", "g", "b"]),
        ("how-much", "regression", []),
    ):
        head, labels = opened.of_task(task).read_head(encoder)
        assert (head.problem_type, labels.names) == (problem_type, names)
        expected = model.of_stream(task).named_weights()["output_weights"]
        np.testing.assert_array_equal(head.named_weights()["output_weights"], expected)
    assert opened.config.to_dict() == model.encoder.config.to_dict()


def test_all_heads_are_read_again(folder):
    path, model = folder
    weights = open_model(path, vocab_required=False).weights
    encoder = small_models.encoder("bert", num_hidden_layers=1)
    shapes = {name: tuple(weight.shape) for name, weight in model.named_weights().items()}
    again = MultiTask.from_saved(encoder, weights.config, shapes)
    assert load_weights(again, weights).missing == []
    for name, value in values(model).items():
        np.testing.assert_array_equal(again.named_weights()[name], value, err_msg=name)


def test_a_task_alone_takes_the_encoder_and_its_head(folder):
    path, model = folder
    source = open_model(path, vocab_required=False).of_task_if_there("colour")
    expected = values(model)
    for count in (3, 2):
        encoder = small_models.encoder("bert", num_hidden_layers=1)
        single = SequenceClassification(encoder, count)
        report = source.load_into(single)
        found = values(single)
        np.testing.assert_array_equal(found["bert/pooler/dense/bias"], expected["bert/pooler/dense/bias"])
        if count == 3:
            np.testing.assert_array_equal(found["output_weights"], expected["colour/output_weights"])
        assert (len(report.reshaped), report.unused) == (2 * (count == 2), [])  # no word of the other task's head


def test_a_conversion_keeps_all_heads(folder, tmp_path):
    path, model = folder
    opened = open_model(path, vocab_required=False)
    found, report = read_model(small_models.encoder("bert", num_hidden_layers=1), opened.weights)
    save_huggingface(found, tmp_path, None, found.labels)
    again = open_model(tmp_path, vocab_required=False)
    assert report.unused == [] and again.tasks == opened.tasks
    for task in again.tasks:
        head, _ = again.of_task(task).read_head(found.encoder)
        expected = model.named_weights()[f"{task}/output_weights"]
        np.testing.assert_array_equal(head.named_weights()["output_weights"], expected)


@pytest.mark.parametrize(
    "damage",
    [
        {"tasks": None},
        {"tasks": {"colour": {}}},
        {"tasks": {"colour": [], "how-much": {}}},
        {"objective": {"name": "multi_task", "heads": {"colour": None, "how-much": None}}},
        {"objective": {"name": "multi_task", "heads": []}},
        {"objective": {"name": "multi_task", "heads": {"colour": {"name": "x"}, "how-much": {"name": "x"}}}},
    ],
)
def test_damaged_entries_are_one_line(folder, damage):
    weights = open_model(folder[0], vocab_required=False).weights
    with pytest.raises(InputError) as error:
        task_view.view(dataclasses.replace(weights, config={**weights.config, **damage}), "colour")
    assert "config.json: " in str(error.value) and "\n" not in str(error.value)


def test_other_commands_say_nothing_of_the_heads(folder, caplog):
    load_weights(small_models.encoder("bert", num_hidden_layers=1), str(folder[0])).warn()
    assert caplog.messages == []


def test_transformers_loads_the_encoder(folder):
    transformers = pytest.importorskip("transformers", reason="make peers")
    path, model = folder
    theirs = transformers.AutoModel.from_pretrained(path)
    expected = model.named_weights()["bert/pooler/dense/kernel"].numpy().T
    np.testing.assert_array_equal(theirs.pooler.dense.weight.detach().numpy(), expected)


@pytest.mark.parametrize(
    "task, message", [(None, "--task_name is needed; its tasks: colour, how-much"), ("x", "=x: no")]
)
def test_a_task_that_is_not_there_is_refused(folder, task, message):
    with pytest.raises(InputError, match=message):
        open_model(folder[0], vocab_required=False).of_task(task)


def test_a_task_that_is_called_as_the_encoder_is_refused():
    """Its head's weights would be taken for the encoder's."""
    encoder = small_models.encoder("bert", num_hidden_layers=1)
    with pytest.raises(InputError, match="the task 'bert': names of the encoder's weights begin so"):
        MultiTask(encoder, {"bert": SequenceClassification(encoder, 2)})
