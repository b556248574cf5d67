"""What every registered encoder promises, tried with inputs of its own."""

import json

import numpy as np
import pytest
import small_models
import tensorflow as tf
from small_models import LENGTHS

from bertline import registry
from bertline.errors import InputError
from bertline.modeling.layers.dropout import DropoutKey
from bertline.modeling.layers.token_scales import TOKEN_SCALES

SLOW = ("elmo", "stacked")  # Their graphs take seconds to make.
every_encoder = pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.slow] * (name in SLOW)) for name in registry.names("encoder")]
)
HOLEY = np.array([[1, 0, 1, 1, 0, 1], [1, 1, 1, 1, 1, 1], [1, 0, 0, 0, 0, 0]], np.int32)
BATCHES = {"padded": LENGTHS, "full": (6, 6), "hardly padded": (20, 20, 19), "one token": (1,)}


def batches(name):
    """Batches of several kinds, the last one with padding between its tokens."""
    found = {kind: small_models.inputs(name, lengths) for kind, lengths in BATCHES.items()}
    return {**found, "with holes": {**small_models.inputs(name, (6, 6, 6)), "input_mask": HOLEY}}


def real(batch, states):
    """The states of real tokens [N, H]; what stands at padding means nothing."""
    return np.asarray(tf.cast(states, tf.float32))[batch["input_mask"] > 0]


def total(outputs, batch):
    """A loss that every output of the real tokens enters unevenly."""
    states = outputs["sequence_output"] * tf.cast(batch["input_mask"], tf.float32)[:, :, None]
    # Constant in each weight's place, different for each number: a permuted row changes the sum.
    return sum(
        tf.reduce_sum(t * tf.reshape(tf.sin(tf.range(tf.cast(tf.size(t), tf.float32))), tf.shape(t)))
        for t in (states, outputs["pooled_output"])
    )


def trained(encoder):
    return {name: variable.value for name, variable in encoder.named_weights().items() if variable.trainable}


def gradients(encoder, batch, key=None, run=None):
    """Gradients by the name of the weight."""
    variables = trained(encoder)
    with tf.GradientTape() as tape:
        loss = total((run or encoder)(batch, dropout_key=key), batch)
    found = tape.gradient(loss, list(variables.values()))
    return {name: None if g is None else tf.convert_to_tensor(g).numpy() for name, g in zip(variables, found)}


def assert_same_gradients(found, expected):
    largest = max(np.max(np.abs(g)) for g in expected.values())
    for name in expected:
        np.testing.assert_allclose(found[name], expected[name], atol=2e-6 * largest, err_msg=name)


@every_encoder
def test_shapes(name):
    encoder, batch = small_models.encoder(name), small_models.inputs(name)
    width = encoder.width
    outputs = encoder(batch, all_layers=True)
    assert outputs["sequence_output"].shape == (len(LENGTHS), max(LENGTHS), width)
    assert outputs["pooled_output"].shape == (len(LENGTHS), width)
    assert [layer.shape[-1] for layer in outputs["all_layers"]] == encoder.config.layer_widths()
    assert len(outputs["all_layers"]) == encoder.num_layers + 1
    np.testing.assert_array_equal(outputs["all_layers"][-1], outputs["sequence_output"])
    assert "all_layers" not in encoder(batch)


@every_encoder
def test_scales_of_tokens_reach_all_that_ids_say(name):
    """At 1 they change nothing; at 0 one text is as another."""
    encoder, ones = small_models.encoder(name), np.ones((len(LENGTHS), max(LENGTHS)), np.float32)
    if not encoder.scales_tokens:
        pytest.skip("says nothing of single tokens")
    batch, other = (small_models.inputs(name, seed=seed) for seed in (0, 1))
    if "segment_ids" in batch:
        other["segment_ids"] = batch["segment_ids"]
    as_it_is, same = encoder(batch), encoder({**batch, TOKEN_SCALES: ones})
    without, of_other = (encoder({**one, TOKEN_SCALES: 0.0 * ones}) for one in (batch, other))
    for output in ("sequence_output", "pooled_output"):
        np.testing.assert_array_equal(as_it_is[output], same[output])
    np.testing.assert_array_equal(without["pooled_output"], of_other["pooled_output"])
    assert np.abs(as_it_is["pooled_output"] - without["pooled_output"]).max() > 1e-3


@every_encoder
def test_padding_and_other_rows_change_nothing(name):
    encoder, batch = small_models.encoder(name), small_models.inputs(name, width=14)
    together = encoder(batch, all_layers=True)
    for row, length in enumerate(LENGTHS):
        alone = encoder({key: array[row : row + 1, :length] for key, array in batch.items()}, all_layers=True)
        np.testing.assert_allclose(together["pooled_output"][row], alone["pooled_output"][0], atol=2e-6)
        for padded, short in zip(together["all_layers"], alone["all_layers"]):
            np.testing.assert_allclose(padded[row, :length], short[0], atol=3e-6)


@pytest.mark.slow
@every_encoder
@pytest.mark.parametrize("kind", [*BATCHES, "with holes"])
def test_removed_padding_equals_static_shapes(name, kind):
    batch = batches(name)[kind]
    packed, static = small_models.encoder(name), small_models.encoder(name, static=True)
    found, expected = packed(batch, all_layers=True), static(batch, all_layers=True)
    np.testing.assert_allclose(found["pooled_output"], expected["pooled_output"], atol=2e-6)
    for one, other in zip(found["all_layers"], expected["all_layers"]):
        np.testing.assert_allclose(real(batch, one), real(batch, other), atol=3e-6)
    assert_same_gradients(gradients(packed, batch), gradients(static, batch))


def of_unknown_shapes(encoder, batch):
    """The encoder as a graph of batches of any size."""
    signature = {key: tf.TensorSpec([None, None, *array.shape[2:]], array.dtype) for key, array in batch.items()}
    return tf.function(lambda batch: encoder(batch, all_layers=True), input_signature=[signature])


@pytest.mark.slow
@every_encoder
@pytest.mark.parametrize("static", [False, True])
def test_graph_of_unknown_shapes_equals_eager(name, static):
    encoder = small_models.encoder(name, static=static)
    run = of_unknown_shapes(encoder, small_models.inputs(name))
    for batch in batches(name).values():
        for one, other in zip(run(batch)["all_layers"], encoder(batch, all_layers=True)["all_layers"]):
            np.testing.assert_allclose(real(batch, one), real(batch, other), atol=3e-6)


@pytest.mark.slow
@every_encoder
@pytest.mark.long
def test_exported_equals_live(name, tmp_path):
    encoder, batch = small_models.encoder(name), small_models.inputs(name)
    module = tf.Module()
    module.encoder, module.run = encoder, of_unknown_shapes(encoder, batch)
    expected = module.run(batch)
    tf.saved_model.save(module, tmp_path)
    loaded = tf.saved_model.load(tmp_path)
    found = loaded.run(small_models.tensors(batch))
    assert found.keys() == expected.keys()
    for one, other in zip(tf.nest.flatten(found), tf.nest.flatten(expected), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)


@pytest.mark.slow
@every_encoder
@pytest.mark.parametrize("static, all_layers", [(False, False), (False, True), (True, False)])
def test_positions_give_the_states_of_the_full_run(name, static, all_layers):
    encoder, batch = small_models.encoder(name, static=static), small_models.inputs(name)
    positions = np.array([[10, 0, 3], [3, 1, 1], [0, 0, 0], [6, 2, 0], [1, 8, 4]], np.int32)
    full, some = encoder(batch), encoder(batch, positions=positions, all_layers=all_layers)
    expected = np.take_along_axis(full["sequence_output"].numpy(), positions[:, :, None], axis=1)
    np.testing.assert_allclose(some["sequence_output"], expected, atol=3e-6)
    np.testing.assert_allclose(some["pooled_output"], full["pooled_output"], atol=2e-6)
    none = encoder(batch, positions=positions[:, :0])
    assert none["sequence_output"].shape == (len(LENGTHS), 0, encoder.width)
    np.testing.assert_allclose(none["pooled_output"], full["pooled_output"], atol=2e-6)


@pytest.mark.slow
@every_encoder
@pytest.mark.parametrize("static", [False, True])
def test_a_batch_without_rows(name, static):
    """What a replica or a micro-batch gets when the batch has fewer rows than there are shares."""
    encoder = small_models.encoder(name, static=static)
    batch = {key: array[:0] for key, array in small_models.inputs(name).items()}
    width = encoder.width
    assert encoder(batch)["sequence_output"].shape == (0, max(LENGTHS), width)
    assert encoder(batch, positions=tf.zeros([0, 2], tf.int32))["pooled_output"].shape == (0, width)
    assert all(not np.any(g) for g in gradients(encoder, batch).values())


@every_encoder
@pytest.mark.parametrize("positions", [None, [[0, 2], [1, 0], [0, 0], [3, 3], [5, 0]]])
def test_a_masked_first_token_is_pooled_all_the_same(name, positions):
    """The original reads the first slot whatever the mask says; a row of padding alone looks at all of it."""
    batch = small_models.inputs(name, (6,) * 5)
    batch["input_mask"] = np.array(
        [[0, 1, 1, 0, 0, 0], [0, 0, 0, 0, 0, 1], [0] * 6, [1, 0, 0, 1, 1, 0], [1] * 6], np.int32
    )
    outputs = [small_models.encoder(name, static=static)(batch, positions=positions) for static in (False, True)]
    # The third row: -10,000 added to its scores leaves 3 digits of them.
    for row, tolerance in enumerate((2e-6, 2e-6, 2e-3, 2e-6, 2e-6)):
        found, expected = (output["pooled_output"][row] for output in outputs)
        np.testing.assert_allclose(found, expected, atol=tolerance)


@every_encoder
def test_a_row_of_padding_alone_disturbs_nothing(name):
    """Static batches are filled up with such rows."""
    encoder, batch = small_models.encoder(name), small_models.inputs(name, (5, 0, 3))
    without = {key: array[[0, 2]] for key, array in batch.items()}
    found = encoder(batch)["pooled_output"].numpy()
    assert np.isfinite(found).all()
    np.testing.assert_allclose(found[[0, 2]], encoder(without)["pooled_output"], atol=2e-6)


@every_encoder
def test_a_causal_one_does_not_see_the_future(name):
    encoder, (batch, other) = small_models.encoder(name), (small_models.inputs(name, (8, 8), seed=i) for i in (0, 1))
    changed = {key: np.concatenate([batch[key][:, :5], other[key][:, 5:]], axis=1) for key in batch}
    one, other = (encoder(b)["sequence_output"].numpy() for b in (batch, changed))
    assert np.max(np.abs(one[:, 5:] - other[:, 5:])) > 1e-3
    if encoder.is_causal:
        np.testing.assert_allclose(one[:, :5], other[:, :5], atol=1e-6)


@every_encoder
@pytest.mark.parametrize("dtype, tolerance", [("float32", 2e-6), ("bfloat16", 0.02)])
def test_a_carried_state_equals_one_long_sequence(name, dtype, tolerance):
    encoder, batch = small_models.encoder(name, dtype), small_models.inputs(name, (8, 8, 8))
    state, found = encoder.zero_state(3), []
    assert (state is not None) == ("state" in encoder(batch))
    # One that reads backwards too has read what comes later first: what its state means its own tests know.
    for part in (slice(0, 5), slice(5, 8)) if state is not None and encoder.is_causal else ():
        outputs = encoder({key: array[:, part] for key, array in batch.items()}, state=state)
        state = outputs["state"]
        found.append(outputs["sequence_output"])
    if found:
        whole = tf.cast(encoder(batch)["sequence_output"], tf.float32)
        np.testing.assert_allclose(tf.cast(tf.concat(found, axis=1), tf.float32), whole, atol=tolerance)


@pytest.mark.slow
@every_encoder
def test_every_weight_that_is_trained_gets_its_gradient(name):
    """Each is there, and a step along it changes the loss by its length, for a few of them."""
    encoder, batch = small_models.encoder(name), small_models.inputs(name)
    found, variables = gradients(encoder, batch), trained(encoder)
    assert len(found) == len(encoder.trainable_variables) > 0
    assert [key for key, value in found.items() if value is None or not np.any(value)] == []
    for key in list(found)[:: -(-len(found) // 6)]:
        length, losses = np.linalg.norm(found[key]), []
        for step in (0.01, -0.01):
            variables[key].assign_add(step * found[key] / length)
            losses.append(float(total(encoder(batch), batch)))
            variables[key].assign_sub(step * found[key] / length)
        np.testing.assert_allclose((losses[0] - losses[1]) / 0.02, length, rtol=0.02, atol=1e-3, err_msg=key)


@pytest.mark.slow
@every_encoder
@pytest.mark.long
def test_rematerialization_changes_nothing(name):
    batch, key = small_models.inputs(name, (5, 2)), DropoutKey(tf.constant([1, 2]))
    plain = small_models.encoder(name, dropout=0.3)
    again = small_models.encoder(name, rematerialize=True, dropout=0.3)
    run = tf.function(lambda batch, dropout_key: again(batch, dropout_key=dropout_key))
    assert_same_gradients(gradients(again, batch, key, run), gradients(plain, batch, key))


@pytest.mark.slow
@every_encoder
def test_dropout_is_a_function_of_its_key(name):
    encoder, batch = small_models.encoder(name, dropout=0.3), small_models.inputs(name)
    first, same, other, off = (
        encoder(batch, dropout_key=key and DropoutKey(tf.constant(key)))["pooled_output"].numpy()
        for key in ([1, 2], [1, 2], [1, 3], None)
    )
    np.testing.assert_array_equal(first, same)
    assert np.max(np.abs(first - other)) > 0.01 and np.max(np.abs(first - off)) > 0.01
    drawn = [encoder(batch, training=True)["pooled_output"].numpy() for _ in range(2)]
    assert np.max(np.abs(drawn[0] - drawn[1])) > 0.01


@pytest.mark.slow
@every_encoder
@pytest.mark.parametrize(
    "dtype, tolerance, for_training", [("bfloat16", 0.08, True), ("bfloat16", 0.08, False), ("float16", 0.01, False)]
)
def test_half_precision_is_near_float32(name, dtype, tolerance, for_training):
    batch = small_models.inputs(name)
    half, full = small_models.encoder(name, dtype, for_training), small_models.encoder(name)
    found, expected = half(batch, all_layers=True), full(batch, all_layers=True)
    assert found["sequence_output"].dtype == dtype
    for one, other in zip(found["all_layers"], expected["all_layers"]):
        assert 0.0 < small_models.relative_difference(real(batch, one), real(batch, other)) < tolerance
    tables = ("kernel", "word_embeddings")
    kernels = [v.dtype for key, v in half.named_weights().items() if key.endswith(tables)]
    assert set(kernels) == {"float32" if for_training else dtype}


@every_encoder
def test_configuration_round_trip(name):
    encoder = small_models.encoder(name, "bfloat16")
    config = json.loads(json.dumps(encoder.get_config()))
    other = type(encoder).from_config(config)
    other.build()
    assert other.get_config() == encoder.get_config()
    shapes = [{key: (v.shape, v.dtype) for key, v in one.named_weights().items()} for one in (encoder, other)]
    assert shapes[0] == shapes[1]
    assert type(encoder.config).from_dict(encoder.config.to_dict()) == encoder.config


def small_values(name):
    """What a file says of the small configuration; the object in it that has a number, and the number's field."""
    values = holder = json.loads(json.dumps(registry.get("encoder", name).small().to_dict()))
    while not any(type(value) is int for value in holder.values()):  # a configuration made of others
        holder = next(value[0] for value in holder.values() if isinstance(value, list))
    return values, holder, max((key for key, value in holder.items() if type(value) is int), key=len)


@every_encoder
def test_misspelt_field_is_an_error(name):
    values, holder, right = small_values(name)
    wrong = right[:3] + right[4:]
    holder[wrong] = holder.pop(right)
    with pytest.raises(InputError, match=f"{wrong}.*did you mean '{right}'|the configuration has no {right}"):
        registry.get("encoder", name).config_class.from_dict(values)


@every_encoder
@pytest.mark.parametrize("value, shown", [("60", '"60"'), (True, "true"), (6.5, "6.5"), ([[6]], "a list")])
def test_a_wrong_value_is_named(name, value, shown):
    values, holder, field = small_values(name)
    holder[field] = value
    with pytest.raises(InputError, match=f"configuration field '{field}' is {shown}, int.* is needed"):
        registry.get("encoder", name).config_class.from_dict(values)


@every_encoder
@pytest.mark.parametrize("kind, shown", [("gpt2", '"gpt2"'), (["gpt2"], r'\["gpt2"\]'), (5, "5")])
def test_another_kind_is_named(name, kind, shown):
    with pytest.raises(InputError, match=f"model_type {shown} is not '{name}'"):
        registry.get("encoder", name).config_class.from_dict({**small_values(name)[0], "model_type": kind})


@every_encoder
def test_names_of_variables(name):
    """Names are unique, start with the encoder's own and hold no number that Keras made up."""
    encoder = small_models.encoder(name)
    names = list(encoder.named_weights())
    assert len(set(names)) == len(encoder.variables)
    assert all(key.startswith(f"{encoder.name}/") for key in names)
    again = small_models.encoder(name)
    assert list(again.named_weights()) == names
