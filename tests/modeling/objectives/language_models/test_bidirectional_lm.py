"""bidirectional_lm against bilm-tf's training program: data order, losses, gradients, eight steps, perplexity."""

import json
import math

import numpy as np
import pytest
import small_models
import tensorflow as tf

from bertline import registry
from bertline.errors import InputError
from bertline.modeling.encoders.recurrent.elmo import Elmo, ElmoConfig
from bertline.modeling.layers import sampled_softmax
from bertline.modeling.layers.dropout import DropoutKey
from bertline.modeling.objectives.language_models import bidirectional_lm
from bertline.processors.corpora.making import instance_shards
from bertline.processors.corpora.making.instance_records import find_records
from bertline.processors.tokenization import load_tokenizer
from bertline.settings.scripts.create_pretraining_data import PretrainingDataSettings
from bertline.training.optimizers.adagrad import Adagrad
from bertline.training.optimizers.parameter_groups import parameter_groups
from bertline.training.schedules.constant import Constant
from bertline.training.steps.step import TrainStep
from bertline.weights.load_save import load_weights, open_weights

LANES, STEPS = 3, 7
# Names of a batch here -> those of the original's.
NAMES = {
    "input_ids": "token_ids",
    "next_ids": "next_token_id",
    "backward_input_ids": "token_ids_reverse",
    "backward_next_ids": "next_token_id_reverse",
}


@pytest.fixture(scope="module")
def bilm(golden_dir):
    return golden_dir / "bilm"


@pytest.fixture(scope="module")
def records(bilm, tmp_path_factory):
    """The original's texts as records, two shards each: name of a text -> pattern."""
    folder, tokenizer = tmp_path_factory.mktemp("records"), load_tokenizer(bilm / "vocab.txt")
    for name in ("train", "heldout"):
        run = PretrainingDataSettings(
            input_file=f"{bilm}/{name}.txt",
            output_file=f"{folder}/{name}.tfrecord",
            vocab_file=f"{bilm}/vocab.txt",
            instances="sentence_stream",
            shuffle_sentences=False,
            num_output_shards=2,
            num_processes=1,
        )
        instance_shards.create(run, [run.input_file], tokenizer)
    return lambda name: f"{folder}/{name}.tfrecord-*"


def language_model(folder, num_sampled=0):
    """The original's model with its first weights."""
    source = open_weights(folder / "initial.ckpt")
    options = json.loads((folder / "options.json").read_text())
    shared = options.get("share_embedding_softmax", False)
    encoder = Elmo(ElmoConfig.from_dict(source.config))
    objective = registry.get("objective", "bidirectional_lm")(encoder, shared, num_sampled)
    report = load_weights(objective, source, required=lambda name: True)
    assert not report.unused
    return objective


def batches_of(bilm, records, name, objective, lanes, steps):
    data = find_records(records(name), "sentence_stream", steps, {})
    data.open(objective.encoder.config, load_tokenizer(bilm / "vocab.txt"))
    return data


@pytest.mark.slow
@pytest.mark.real_data
@pytest.mark.parametrize("kind, clip", [("chars", 10.0), ("chars_tanh", 1.0), ("words", 10.0)])
def test_eight_steps_are_the_originals(kind, clip, bilm, records):
    folder = bilm / kind
    objective, golden = language_model(folder), np.load(folder / "batches.npz")
    schedule = Constant(0.2, num_train_steps=8)
    optimizer = Adagrad(objective.named_weights(), schedule, parameter_groups(0.0), initial_accumulator=1.0)
    step = TrainStep(objective, optimizer, tf.Variable(0, dtype=tf.int64), seed=1, max_grad_norm=clip, lanes=LANES)
    run = tf.function(step, autograph=False)
    batches = batches_of(bilm, records, "train", objective, LANES, STEPS).train_batches(LANES, seed=5)
    for i, (batch, expected) in enumerate(zip(batches, json.loads((folder / "losses.json").read_text()))):
        for ours, theirs in NAMES.items():
            np.testing.assert_array_equal(batch[ours], golden[f"{i}_{theirs}"])
        check_characters(batch, golden, i)
        if i == 2:
            check_gradients(step, batch, folder)
        found = run(batch)
        for name, other in (("loss", "total"), ("forward_loss", "forward"), ("backward_loss", "backward")):
            assert math.isclose(found[name], expected[other], rel_tol=1e-5)
        assert math.isclose(found["grad_norm"], expected["norm"], rel_tol=1e-4)
    after = np.load(folder / "after_8_steps.npz")
    for name, variable in objective.named_weights().items():
        np.testing.assert_allclose(variable, after[name], atol=1e-5 * np.abs(after[name]).max(), err_msg=name)
    check_state(step.state, after)


def check_characters(batch, golden, i):
    """Its ids are rows of its table: bytes, then what stands around sentences and words, and padding."""
    if f"{i}_tokens_characters" not in golden:
        return
    rows = np.array([260, *range(256), 258, 259, 256, 257])
    for ours, theirs in (
        ("character_ids", "tokens_characters"),
        ("backward_character_ids", "tokens_characters_reverse"),
    ):
        expected, found = golden[f"{i}_{theirs}"], rows[batch[ours]][..., :20]
        whole = found[..., -1] == 260  # longer words are cut by the encoder
        np.testing.assert_array_equal(found[whole], expected[whole])
        assert whole.mean() > 0.9


def check_gradients(step, batch, folder):
    """Before clipping, of the weights and the state that two steps have left."""
    golden = np.load(folder / "gradients_step_3.npz")
    state = tf.nest.map_structure(tf.identity, step.state)
    weights = step.objective.named_weights()
    with tf.GradientTape() as tape:
        outputs = step.objective(batch, state=state)
        loss = tf.reduce_mean(step.objective.losses(batch, outputs)["loss"])
    found = tape.gradient(loss, [variable.value for variable in weights.values()])
    largest = max(np.abs(golden[name]).max() for name in golden.files)
    for name, gradient in zip(weights, found):
        np.testing.assert_allclose(tf.convert_to_tensor(gradient), golden[name], atol=1e-5 * largest, err_msg=name)


def check_state(state, golden):
    """There the cell and the hidden state of each layer, forward first."""
    for i, (hidden, cell) in enumerate(state):
        for way in range(2):
            at = 2 * (way * len(state) + i)
            np.testing.assert_allclose(cell[way], golden[f"final_state_{at}"], atol=1e-5)
            np.testing.assert_allclose(hidden[way], golden[f"final_state_{at + 1}"], atol=1e-5)


@pytest.mark.slow
@pytest.mark.real_data
@pytest.mark.parametrize("kind", ["chars", "chars_tanh", "words"])
def test_the_perplexity_of_held_out_text_is_the_originals(kind, bilm, records):
    """Its test reads a word at a time, in four lanes, up to where one has none left."""
    folder = bilm / kind
    objective = language_model(folder)
    source = open_weights(folder / "model.ckpt-8")
    load_weights(objective, source, required=lambda name: True)
    data = batches_of(bilm, records, "heldout", objective, 4, 1)
    state, losses = objective.zero_state(4), []
    run = tf.function(
        lambda batch, state: (lambda o: (objective.losses(batch, o)["loss"], o["state"]))(objective(batch, state=state))
    )
    for batch in data.evaluation_batches(4, 10_000):
        if not np.all(batch["input_mask"]):
            break
        loss, state = run(batch, state)
        losses.append(float(tf.reduce_mean(loss)))
    expected = json.loads((folder / "heldout_perplexity.json").read_text())["perplexity"]
    assert math.isclose(math.exp(np.mean(losses)), expected, rel_tol=1e-5)


def made_up_batch(objective, seed=0, shape=(3, 4)):
    draw = np.random.default_rng(seed)
    features = Elmo.small_inputs(shape, draw)
    features |= {f"backward_{name}": value for name, value in Elmo.small_inputs(shape, draw).items()}
    for name in ("next_ids", "backward_next_ids"):
        features[name] = draw.integers(0, objective.num_words, shape, np.int32)
    mask = np.ones(shape, np.int32)
    mask[1, 2:] = 0
    return small_models.tensors({**features, "input_mask": mask})


def small_objective(num_sampled=0, words=30):
    objective = registry.get("objective", "bidirectional_lm")(
        small_models.encoder("elmo", vocab_size=words), num_sampled=num_sampled
    )
    small_models.randomize(objective)
    return objective


@pytest.mark.slow
def test_the_gradient_of_samples_is_that_of_all_words_on_average():
    objective = small_objective(num_sampled=12)
    batch = made_up_batch(objective)
    weights = [objective.softmax.kernel.value, objective.encoder.filters.biases[0].value]

    @tf.function
    def gradients(seed=None):
        with tf.GradientTape() as tape:
            key = None if seed is None else DropoutKey(seed)
            values = objective.losses(batch, objective(batch, dropout_key=key))["loss"]
            loss = tf.reduce_sum(values * objective.loss_weights(batch)["loss"])
        return [tf.convert_to_tensor(g) for g in tape.gradient(loss, weights)]

    expected = gradients()
    found = [[g.numpy() for g in gradients(tf.constant([1, i]))] for i in range(400)]
    for one, other in zip(map(np.array, zip(*found)), expected):
        mean, error = one.mean(axis=0), one.std(axis=0) / 20
        size = np.linalg.norm(other)
        # What is left is the bias of a softmax over a sample, which is small beside the gradient.
        assert np.linalg.norm(mean - other) < 3 * np.linalg.norm(error) + 0.12 * size
        assert np.linalg.norm(one[0] - other) > 0.2 * size


def test_words_are_drawn_as_often_as_expected():
    sampler, key = sampled_softmax.LogUniform(200, 20), DropoutKey(tf.constant([1, 2]))
    counts, sizes = np.zeros(200), []
    for i in range(600):
        sample = sampler.draw(key.child(i))
        counts[sample.ids.numpy()] += 1
        sizes.append(len(sample.ids))
        assert len(set(sample.ids.numpy())) == len(sample.ids)
    assert abs(np.mean(sizes) - 20) < 0.5
    expected = 600 * np.exp(sampler.log_expected(np.arange(200)))
    assert np.all(np.abs(counts - expected) < 5 * np.sqrt(expected) + 5)
    np.testing.assert_allclose(expected.sum() / 600, 20, rtol=0.02)


def test_only_rows_of_the_sample_have_a_gradient():
    objective = small_objective(num_sampled=5)
    batch = made_up_batch(objective)
    with tf.GradientTape() as tape:
        outputs = objective(batch, dropout_key=DropoutKey(tf.constant([1, 2])))
        loss = tf.reduce_sum(objective.losses(batch, outputs)["loss"])
    gradient = tape.gradient(loss, objective.softmax.kernel.value)
    right = np.concatenate([batch["next_ids"], batch["backward_next_ids"]], axis=None)
    assert isinstance(gradient, tf.IndexedSlices)
    assert set(gradient.indices.numpy()) == {*right, *outputs["sample"].ids.numpy()}


def test_the_softmax_over_a_large_vocabulary_is_taken_in_parts(monkeypatch):
    objective = small_objective()
    batch = made_up_batch(objective)
    outputs = objective(batch)
    expected = objective.losses(batch, outputs)["loss"]
    monkeypatch.setattr(bidirectional_lm, "MOST_LOGITS", 30 * 7)
    np.testing.assert_allclose(objective.losses(batch, outputs)["loss"], expected, atol=1e-6)


def test_what_it_cannot_learn_with():
    for name in ("bert", "awd_lstm"):
        with pytest.raises(InputError, match=f"the encoder {name} does not read both directions apart; elmo does"):
            registry.get("objective", "bidirectional_lm")(small_models.encoder(name))
    with pytest.raises(InputError, match="says no vocab_size; --vocab_file has one"):
        registry.get("objective", "bidirectional_lm")(small_models.encoder("elmo"))
    with pytest.raises(InputError, match="--share_embedding_softmax: the encoder has no table of words"):
        registry.get("objective", "bidirectional_lm")(small_models.encoder("elmo", vocab_size=9), True)


def test_its_folder_says_how_it_is_made():
    objective = small_objective()
    names = objective.named_weights()
    assert {"lm/softmax/W", "lm/softmax/b", "lm/char_embed"} <= names.keys()
    again = type(objective).from_saved(objective.encoder, {"objective": {"options": objective.saved_options()}}, {})
    assert again.named_weights().keys() == names.keys()
