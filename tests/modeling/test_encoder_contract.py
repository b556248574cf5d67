"""What every registered encoder promises."""

import json

import numpy as np
import pytest
import small_models
import tensorflow as tf
from small_models import LENGTHS

import registry
from errors import InputError
from modeling.dropout import DropoutKey

ENCODERS = registry.names("encoder")
every_encoder = pytest.mark.parametrize("name", ENCODERS)
HOLEY = np.array([[1, 0, 1, 1, 0, 1], [1, 1, 1, 1, 1, 1], [1, 0, 0, 0, 0, 0]], np.int32)
BATCHES = {
    "padded": small_models.features(),
    "full": small_models.features((6, 6)),
    "hardly padded": small_models.features((20, 20, 19)),
    "one token": small_models.features((1,)),
    "with holes": {**small_models.features((6, 6, 6)), "input_mask": HOLEY},
}


def real(batch, states):
    """The states of real tokens [N, H]; what stands at padding means nothing."""
    return np.asarray(tf.cast(states, tf.float32))[batch["input_mask"] > 0]


def gradients(encoder, batch, key=None, run=None):
    """Gradients by weight of a loss that every output enters unevenly."""
    with tf.GradientTape() as tape:
        outputs = (run or encoder)(batch, dropout_key=key)
        # Constant in each weight's place, different for each number: a permuted row changes the sum.
        states = outputs["sequence_output"] * tf.cast(batch["input_mask"], tf.float32)[:, :, None]
        total = sum(tf.reduce_sum(t * tf.reshape(tf.sin(tf.range(tf.cast(tf.size(t), tf.float32))), tf.shape(t)))
                    for t in (states, outputs["pooled_output"]))  # fmt: skip
    names, variables = zip(*encoder.named_weights().items())
    found = tape.gradient(total, [v.value for v in variables])
    return {name: None if g is None else tf.convert_to_tensor(g).numpy() for name, g in zip(names, found)}


def assert_same_gradients(found, expected):
    largest = max(np.max(np.abs(g)) for g in expected.values())
    for name in expected:
        np.testing.assert_allclose(found[name], expected[name], atol=2e-6 * largest, err_msg=name)


@every_encoder
def test_shapes(name):
    encoder, batch = small_models.encoder(name), small_models.features()
    width = encoder.width
    outputs = encoder(batch, all_layers=True)
    assert outputs["sequence_output"].shape == (len(LENGTHS), max(LENGTHS), width)
    assert outputs["pooled_output"].shape == (len(LENGTHS), width)
    assert len(outputs["all_layers"]) == encoder.num_layers + 1
    np.testing.assert_array_equal(outputs["all_layers"][-1], outputs["sequence_output"])
    assert "all_layers" not in encoder(batch)


@every_encoder
def test_padding_changes_nothing(name):
    encoder, batch = small_models.encoder(name), small_models.features(width=14)
    together = encoder(batch, all_layers=True)
    for row, length in enumerate(LENGTHS):
        alone = encoder({key: array[row : row + 1, :length] for key, array in batch.items()}, all_layers=True)
        np.testing.assert_allclose(together["pooled_output"][row], alone["pooled_output"][0], atol=2e-6)
        for padded, short in zip(together["all_layers"], alone["all_layers"]):
            np.testing.assert_allclose(padded[row, :length], short[0], atol=3e-6)


@every_encoder
@pytest.mark.parametrize("kind", BATCHES)
def test_removed_padding_equals_static_shapes(name, kind):
    batch = BATCHES[kind]
    packed, static = small_models.encoder(name), small_models.encoder(name, static=True)
    found, expected = packed(batch, all_layers=True), static(batch, all_layers=True)
    np.testing.assert_allclose(found["pooled_output"], expected["pooled_output"], atol=2e-6)
    for one, other in zip(found["all_layers"], expected["all_layers"]):
        np.testing.assert_allclose(real(batch, one), real(batch, other), atol=3e-6)
    assert_same_gradients(gradients(packed, batch), gradients(static, batch))


@every_encoder
@pytest.mark.parametrize("static", [False, True])
def test_graph_of_unknown_shapes_equals_eager(name, static):
    encoder = small_models.encoder(name, static=static)
    signature = {key: tf.TensorSpec([None, None], tf.int32) for key in small_models.features()}
    run = tf.function(lambda batch: encoder(batch, all_layers=True)["all_layers"], input_signature=[signature])
    for batch in BATCHES.values():
        for one, other in zip(run(batch), encoder(batch, all_layers=True)["all_layers"]):
            np.testing.assert_allclose(real(batch, one), real(batch, other), atol=3e-6)


@every_encoder
@pytest.mark.parametrize("static", [False, True])
@pytest.mark.parametrize("all_layers", [True, False])
def test_positions_give_the_states_of_the_full_run(name, static, all_layers):
    encoder, batch = small_models.encoder(name, static=static), small_models.features()
    positions = np.array([[10, 0, 3], [3, 1, 1], [0, 0, 0], [6, 2, 0], [1, 8, 4]], np.int32)
    full, some = encoder(batch), encoder(batch, positions=positions, all_layers=all_layers)
    expected = np.take_along_axis(full["sequence_output"].numpy(), positions[:, :, None], axis=1)
    np.testing.assert_allclose(some["sequence_output"], expected, atol=3e-6)
    np.testing.assert_allclose(some["pooled_output"], full["pooled_output"], atol=2e-6)
    none = encoder(batch, positions=positions[:, :0])
    assert none["sequence_output"].shape == (len(LENGTHS), 0, encoder.width)
    np.testing.assert_allclose(none["pooled_output"], full["pooled_output"], atol=2e-6)


@every_encoder
@pytest.mark.parametrize("static", [False, True])
def test_a_batch_without_rows(name, static):
    """What a replica or a micro-batch gets when the batch has fewer rows than there are shares."""
    encoder = small_models.encoder(name, static=static)
    batch = {key: array[:0] for key, array in small_models.features().items()}
    width = encoder.width
    assert encoder(batch)["sequence_output"].shape == (0, max(LENGTHS), width)
    assert encoder(batch, positions=tf.zeros([0, 2], tf.int32))["pooled_output"].shape == (0, width)
    assert all(not np.any(g) for g in gradients(encoder, batch).values())


@every_encoder
@pytest.mark.parametrize("positions", [None, [[0, 2], [1, 0], [0, 0], [3, 3], [5, 0]]])
def test_a_masked_first_token_is_pooled_all_the_same(name, positions):
    """The original reads the first slot whatever the mask says; a row of padding alone looks at all of it."""
    batch = small_models.features((6,) * 5)
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
    encoder, batch = small_models.encoder(name), small_models.features((5, 0, 3))
    without = {key: array[[0, 2]] for key, array in batch.items()}
    found = encoder(batch)["pooled_output"].numpy()
    assert np.isfinite(found).all()
    np.testing.assert_allclose(found[[0, 2]], encoder(without)["pooled_output"], atol=2e-6)


@every_encoder
def test_every_variable_gets_a_gradient(name):
    encoder = small_models.encoder(name)
    found = gradients(encoder, small_models.features())
    assert len(found) == len(encoder.variables)
    assert [key for key, value in found.items() if value is None or not np.any(value)] == []


@every_encoder
@pytest.mark.parametrize("dropout", [0.0, 0.3])
def test_rematerialization_changes_nothing(name, dropout):
    batch, key = small_models.features(), DropoutKey(tf.constant([1, 2]))
    plain = small_models.encoder(name, dropout=dropout)
    again = small_models.encoder(name, rematerialize=True, dropout=dropout)
    key = key if dropout else None
    run = tf.function(lambda batch, dropout_key: again(batch, dropout_key=dropout_key))
    assert_same_gradients(gradients(again, batch, key, run), gradients(plain, batch, key))


@every_encoder
def test_dropout_is_a_function_of_its_key(name):
    encoder, batch = small_models.encoder(name, dropout=0.3), small_models.features()
    first, same, other, off = (
        encoder(batch, dropout_key=key and DropoutKey(tf.constant(key)))["pooled_output"].numpy()
        for key in ([1, 2], [1, 2], [1, 3], None)
    )
    np.testing.assert_array_equal(first, same)
    assert np.max(np.abs(first - other)) > 0.01 and np.max(np.abs(first - off)) > 0.01
    drawn = [encoder(batch, training=True)["pooled_output"].numpy() for _ in range(2)]
    assert np.max(np.abs(drawn[0] - drawn[1])) > 0.01


@every_encoder
@pytest.mark.parametrize("for_training", [True, False])
@pytest.mark.parametrize("dtype, tolerance", [("bfloat16", 0.08), ("float16", 0.01)])
def test_half_precision_is_near_float32(name, dtype, tolerance, for_training):
    batch = small_models.features()
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
    """What a file says of the small configuration, and one of its fields that is a number."""
    values = registry.get("encoder", name).small().to_dict()
    return values, max((key for key, value in values.items() if type(value) is int), key=len)


@every_encoder
def test_misspelt_field_is_an_error(name):
    values, right = small_values(name)
    wrong = right[:3] + right[4:]
    values[wrong] = values.pop(right)
    with pytest.raises(InputError, match=f"{wrong}.*did you mean '{right}'|the configuration has no {right}"):
        registry.get("encoder", name).config_class.from_dict(values)


@every_encoder
@pytest.mark.parametrize("value, shown", [("60", '"60"'), (True, "true"), (6.5, "6.5"), ([[6]], "a list")])
def test_a_wrong_value_is_named(name, value, shown):
    values, field = small_values(name)
    with pytest.raises(InputError, match=f"configuration field '{field}' is {shown}, int is needed"):
        registry.get("encoder", name).config_class.from_dict({**values, field: value})


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
