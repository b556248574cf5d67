"""Terms beside the loss: their values and gradients against torch or a plain restatement, and how a step has them."""

import numpy as np
import pytest
import small_models
import tensorflow as tf

from bertline import registry
from bertline.errors import InputError
from bertline.modeling.layers import divergence
from bertline.modeling.layers.dropout import DropoutKey
from bertline.settings.owned import check_owners
from bertline.settings.scripts.run_classifier import ClassifierSettings
from bertline.training.optimizers.adamw import AdamW
from bertline.training.optimizers.parameter_groups import ParameterGroup
from bertline.training.optimizers.sgd import SGD
from bertline.training.schedules.constant import Constant
from bertline.training.schedules.linear import Linear
from bertline.training.steps.loop import LoopSettings, TrainingLoop
from bertline.training.steps.step import TrainStep
from bertline.training.steps.train import check_whole_batches
from bertline.training.terms.supervised_contrastive import contrast
from bertline.training.terms.term import make_terms, names_of

BATCH = small_models.classification_batch()
DRAW = np.random.default_rng(5)


def model(dropout=0.0, name="sequence_classification", **options):
    return small_models.objective(
        name, options, num_hidden_layers=1, hidden_dropout_prob=dropout, classifier_dropout=dropout
    )


def step_of(objective, terms="", micro_batches=1, in_graph=False, done=0, jit_compile=False, **given):
    """One step of plain descent at rate 1: (scalars, weights before minus weights after, which are the gradients)."""
    named = objective.named_weights()
    optimizer = SGD(named, Constant(1.0, 1), groups=[ParameterGroup("")])
    before = {name: weight.numpy() for name, weight in named.items()}
    step = TrainStep(
        objective,
        optimizer,
        tf.Variable(done, dtype=tf.int64),
        3,
        micro_batches,
        max_grad_norm=0.0,
        terms=make_terms(objective, {"terms": terms, **given}),
    )
    run = tf.function(step, jit_compile=jit_compile) if in_graph or jit_compile else step
    scalars = {name: float(value) for name, value in run(small_models.tensors(BATCH)).items()}
    return scalars, {name: before[name] - weight.numpy() for name, weight in named.items()}


def assert_same_gradients(found, expected, tolerance=2e-5):
    scale = max(np.abs(gradient).max() for gradient in expected.values())
    for name, gradient in expected.items():
        np.testing.assert_allclose(found[name], gradient, atol=tolerance * scale, err_msg=name)


# Divergences


@pytest.mark.parametrize("temperature", [1.0, 2.5])
def test_divergences_are_those_of_torch(temperature):
    torch = pytest.importorskip("torch", reason="make peers")
    one, other = DRAW.normal(0.0, 2.0, (2, 5, 4)).astype(np.float32)
    found, wanted = (torch.log_softmax(torch.tensor(x) / temperature, -1) for x in (one, other))
    expected = temperature**2 * torch.nn.functional.kl_div(found, wanted, reduction="none", log_target=True).sum(-1)
    np.testing.assert_allclose(divergence.of_softmax(one, other, temperature), expected, rtol=1e-4, atol=1e-6)
    found, wanted = (torch.distributions.Bernoulli(logits=torch.tensor(x) / temperature) for x in (one, other))
    expected = temperature**2 * torch.distributions.kl_divergence(wanted, found)
    np.testing.assert_allclose(divergence.of_sigmoids(one, other, temperature), expected, rtol=1e-3, atol=1e-5)


# R-Drop


def test_r_drop_is_the_sum_of_the_paper():
    """The mean of both losses + alpha * the mean of both divergences; the gradient of all of it."""
    objective, alpha = model(dropout=0.3), 2.0
    seed = tf.constant([3, 0])
    key = DropoutKey(seed).child(0)
    features = small_models.tensors(BATCH)
    with tf.GradientTape() as tape:
        outputs = [objective(features, dropout_key=k) for k in (DropoutKey(key.seed), key.child(1_000_001))]
        p, q = (tf.nn.softmax(one["logits"]) for one in outputs)
        assert np.abs(p - q).max() > 0.01, "the masks differ"
        right = [-tf.math.log(tf.gather(x, BATCH["label_ids"], batch_dims=1)) for x in (p, q)]
        apart = tf.reduce_sum((p - q) * (tf.math.log(p) - tf.math.log(q)), axis=1) / 2.0
        loss = tf.reduce_mean(tf.add_n(right) / 2.0 + alpha * apart)
    weights = objective.named_weights()
    gradients = tape.gradient(loss, [weight.value for weight in weights.values()])
    expected = {name: tf.convert_to_tensor(g).numpy() for name, g in zip(weights, gradients)}
    scalars, found = step_of(objective, "r_drop", r_drop_alpha=alpha)
    assert scalars["loss"] == pytest.approx(float(loss), rel=1e-5)
    assert scalars["r_drop"] == pytest.approx(float(loss - tf.reduce_mean(right[0])), rel=1e-4)
    assert_same_gradients(found, expected)


def test_r_drop_without_dropout_adds_nothing():
    plain, expected = step_of(model())
    scalars, found = step_of(model(), "r_drop")
    assert scalars.pop("r_drop") == pytest.approx(0.0, abs=1e-6)
    assert scalars == pytest.approx(plain, rel=1e-5)
    assert_same_gradients(found, expected)


# FGM


def restated_fgm(objective, epsilon):
    """Gradients of both losses, row by row, with the words' vectors in the place of ids, in plain TensorFlow."""
    table, total = objective.encoder.embeddings.word_embeddings, 0.0
    with tf.GradientTape(persistent=True) as tape:
        for i, length in enumerate((11, 4, 9, 7, 8, 5, 10)):
            row = {name: tf.constant(BATCH[name][i : i + 1, :length]) for name in ("input_mask", "segment_ids")}
            own = tf.gather(table.value, BATCH["input_ids"][i, :length])
            label = {"label_ids": tf.constant(BATCH["label_ids"][i : i + 1])}

            def loss_of(vectors, row=row, label=label, length=length):
                kept = tf.gather
                try:
                    tf.gather = lambda params, ids, **more: vectors if params is table else kept(params, ids, **more)
                    outputs = objective({**row, "input_ids": tf.zeros([1, length], tf.int32)})
                finally:
                    tf.gather = kept
                return objective.losses(label, outputs)["loss"][0]

            with tape.stop_recording(), tf.GradientTape() as inner:
                inner.watch(own)
                first = loss_of(own)
            with tape.stop_recording():
                gradient = inner.gradient(first, own)
                shift = epsilon * gradient / tf.norm(gradient)
            total += (loss_of(own) + loss_of(own + shift)) / 7.0
    weights = objective.named_weights()
    gradients = tape.gradient(total, [weight.value for weight in weights.values()])
    return float(total), {name: tf.convert_to_tensor(g).numpy() for name, g in zip(weights, gradients)}


def test_fgm_is_the_loss_at_the_worst_place_near_by():
    loss, expected = restated_fgm(model(), 0.7)
    scalars, found = step_of(model(), "fgm", fgm_epsilon=0.7)
    assert scalars["loss"] == pytest.approx(loss, rel=1e-5)
    assert scalars["fgm"] > 1.02 * (scalars["loss"] - scalars["fgm"]), "the loss is larger there"
    assert_same_gradients(found, expected, 1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("options", [{}, {"static": True}])
def test_a_batch_that_is_cut_has_the_same_step(options, terms="r_drop,fgm"):
    """Padding removed or computed; micro-batches of 3, 2 and 2 rows."""
    expected = step_of(model(), terms)
    for micro_batches in (1, 3):
        scalars, found = step_of(model(**options), terms, micro_batches, in_graph=micro_batches > 1)
        assert scalars == pytest.approx(expected[0], rel=1e-4, abs=1e-6)
        assert_same_gradients(found, expected[1], 1e-4)


def test_in_bfloat16():
    expected, _ = step_of(model(), "r_drop,fgm")
    scalars, found = step_of(model(dtype="bfloat16"), "r_drop,fgm")
    assert scalars["loss"] == pytest.approx(expected["loss"], rel=0.1)
    assert all(np.isfinite(gradient).all() for gradient in found.values())


def scaled_step(objective, loss_scale):
    """The scalars of a float16 step with a scaled loss, the weights' largest move, and the scale afterwards."""
    named = objective.named_weights()
    before = {name: weight.numpy() for name, weight in named.items()}
    optimizer, count = SGD(named, Constant(0.1, 1)), tf.Variable(0, dtype=tf.int64)
    terms = make_terms(objective, {"terms": "r_drop,fgm,supervised_contrastive"})
    step = TrainStep(objective, optimizer, count, 3, loss_scaling=True, terms=terms)
    step.loss_scale.assign(loss_scale)
    scalars = {name: float(value) for name, value in step(small_models.tensors(BATCH)).items()}
    return scalars, max(np.abs(before[name] - w.numpy()).max() for name, w in named.items()), float(step.loss_scale)


def test_in_float16_with_a_scaled_loss():
    """As in float32; where the scale overflows the step is skipped, and no term makes the loss a NaN."""
    expected, _ = step_of(model(), "r_drop,fgm,supervised_contrastive")
    scalars, moved, _ = scaled_step(model(dtype="float16"), 128.0)
    assert scalars["loss"] == pytest.approx(expected["loss"], rel=0.05)
    assert scalars["grad_norm"] == pytest.approx(expected["grad_norm"], rel=0.1) and moved > 0.0
    scalars, moved, scale = scaled_step(model(dtype="float16"), 2.0**100)
    assert np.isfinite(scalars["loss"]) and not np.isfinite(scalars["grad_norm"])
    assert moved == 0.0 and scale == 2.0**99


@pytest.mark.long
@pytest.mark.parametrize("terms", ["r_drop,fgm", "supervised_contrastive"])
def test_compiled_by_xla(terms):
    scalars, found = step_of(model(static=True), terms)
    compiled, again = step_of(model(static=True), terms, jit_compile=True)
    assert compiled == pytest.approx(scalars, rel=1e-4)
    assert_same_gradients(again, found, 1e-4)


def test_the_masks_are_a_function_of_the_step():
    """So a run that goes on makes the step that it would have made."""
    steps = [step_of(model(dropout=0.3), "r_drop,fgm", done=done) for done in (1, 1, 2)]
    assert steps[0][0] == steps[1][0] != steps[2][0]
    for name, gradient in steps[0][1].items():
        np.testing.assert_array_equal(gradient, steps[1][1][name])


@pytest.mark.slow
def test_several_steps_of_micro_batches_in_one_graph(tmp_path):
    """Loops in loops; each term has a column. (At the size of a real model sums of both passes need `keep_apart`.)"""
    objective = model()
    step = TrainStep(
        objective,
        AdamW(objective.named_weights(), Linear(0.01, 10)),
        tf.Variable(0, dtype=tf.int64),
        3,
        2,
        terms=make_terms(objective, {"terms": "r_drop,fgm"}),
    )
    data = tf.data.Dataset.from_tensors({**BATCH, "example_index": np.arange(7, dtype=np.int32)}).repeat()
    TrainingLoop(objective, {"train": step}, {"train": data}, str(tmp_path), LoopSettings(3, 7)).train()
    header, *rows = (tmp_path / "metrics.csv").read_text().splitlines()
    assert {"train/r_drop", "train/fgm"} <= set(header.split(",")) and len(rows) == int(step.step) == 3


# Supervised contrastive


def test_contrast_is_the_sum_of_the_paper():
    vectors, labels = DRAW.normal(size=(6, 5)), np.array([0, 1, 0, 2, 1, 0])
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    expected = []
    for i in range(6):
        others = [k for k in range(6) if k != i]
        below = sum(np.exp(unit[i] @ unit[k] / 0.3) for k in others)
        friends = [np.log(np.exp(unit[i] @ unit[j] / 0.3) / below) for j in others if labels[j] == labels[i]]
        expected.append(-sum(friends) / max(1, len(friends)))
    found = contrast(tf.constant(vectors, tf.float32), tf.constant(labels, tf.int32), 0.3)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)
    assert found[3] == 0.0, "no other row has class 2"


def test_contrast_in_a_step_is_of_the_pooled_output():
    objective = model()
    pooled = objective.encoder({n: tf.constant(v) for n, v in BATCH.items()})["pooled_output"]
    expected = 0.5 * float(tf.reduce_mean(contrast(pooled, tf.constant(BATCH["label_ids"]), 0.3)))
    scalars, _ = step_of(objective, "supervised_contrastive", contrastive_weight=0.5)
    assert scalars["supervised_contrastive"] == pytest.approx(expected, rel=1e-4)


# What cannot be


def refusal(function, *arguments):
    with pytest.raises(InputError) as refused:
        function(*arguments)
    assert "\n" not in str(refused.value)
    return str(refused.value)


def test_what_cannot_be_combined_is_refused_in_one_line():
    assert "unknown term 'rdrop'; did you mean 'r_drop'" in refusal(names_of, "rdrop")
    assert refusal(names_of, "fgm, fgm").startswith("--terms=fgm, fgm: fgm is there twice")
    scores = registry.get("objective", "similarity_regression")(small_models.encoder(num_hidden_layers=1))
    assert refusal(make_terms, scores, {"terms": "supervised_contrastive"}).startswith(
        "--terms=supervised_contrastive: --objective=similarity_regression has no vector"
    )
    tags = registry.get("objective", "token_classification")(small_models.encoder("awd_lstm"), 3, crf=True)
    assert "has no outputs that could be compared" in refusal(make_terms, tags, {"terms": "r_drop"})
    assert "has an encoder, awd_lstm, without a table" in refusal(make_terms, tags, {"terms": "fgm"})
    terms = make_terms(model(), {"terms": "supervised_contrastive"})
    said = refusal(check_whole_batches, model(), 2, 1, terms)
    assert said.startswith("--gradient_accumulation_steps=2: --terms=supervised_contrastive compares the rows of a")
    assert refusal(check_whole_batches, model(), 1, 2, terms).startswith("2 devices: --terms=supervised_contrastive")
    check_whole_batches(model(), 2, 2, make_terms(model(), {"terms": "r_drop,fgm"}))


def test_an_option_of_a_term_that_is_not_there_is_refused():
    said = refusal(check_owners, ClassifierSettings(fgm_epsilon=2.0, terms="r_drop"))
    assert said == "--fgm_epsilon is of no use with --terms=r_drop; it is for --terms=fgm; leave it out"
    check_owners(ClassifierSettings(fgm_epsilon=2.0, r_drop_alpha=0.5, terms="r_drop, fgm"))
    assert "a number above 0" in refusal(check_owners, ClassifierSettings(fgm_epsilon=-1.0, terms="fgm"))
