"""Objectives over vectors of several texts: loss and gradients are those of torch with the same weights."""

import numpy as np
import pytest
import small_models
import tensorflow as tf

from bertline import registry
from bertline.errors import InputError
from bertline.modeling.objectives.sentence_vectors import sentence_vectors
from bertline.weights.load_save import save_huggingface

torch = pytest.importorskip("torch", reason="make peers")
transformers = pytest.importorskip("transformers", reason="make peers")

LENGTHS = {"a": (11, 4, 2, 7, 9), "b": (3, 12, 5, 2, 6), "c": (4, 6, 8, 2, 10)}
WIDTH = 12


def texts_of(prefixes="ab", lengths=LENGTHS):
    """a_input_ids, ... of texts of one width, each a single segment."""
    batch = {}
    for i, text in enumerate(prefixes):
        features = small_models.features(lengths[text], WIDTH, seed=i)
        features["segment_ids"] = np.zeros_like(features["segment_ids"])
        features["input_ids"] *= features["input_mask"]  # [PAD] in the padding, as batches have it
        batch |= {f"{text}_{name}": array for name, array in features.items()}
    return batch


class Reference:
    """The same encoder in transformers, from the files that ours writes."""

    def __init__(self, encoder, folder):
        save_huggingface(encoder, folder)
        self.model = transformers.BertModel.from_pretrained(folder, attn_implementation="eager").eval()
        self.names = encoder.huggingface_names()

    def vectors(self, batch, text, pooling):
        ids, mask = (torch.tensor(batch[f"{text}_{name}"].astype(np.int64)) for name in ("input_ids", "input_mask"))
        states = self.model(ids, attention_mask=mask).last_hidden_state
        real = mask[:, :, None].float()
        return {
            "cls": states[:, 0],
            "mean": (states * real).sum(1) / real.sum(1),
            "max": states.masked_fill(real == 0, -torch.inf).max(1).values,
        }[pooling]

    def gradient(self, name):
        other, turn = self.names[name]
        found = dict(self.model.named_parameters())[other.removeprefix("bert.")].grad
        return None if found is None else (found.T if turn else found).numpy()


def loss_and_gradients(objective, batch):
    """As the training step computes them: the mean of the rows that have weight, and its gradients by name."""
    batch = small_models.tensors(batch)
    variables = objective.named_weights()
    with tf.GradientTape() as tape:
        values, weights = objective.losses(batch, objective(batch)), objective.loss_weights(batch)["loss"]
        loss = tf.reduce_sum(values["loss"] * weights) / tf.reduce_sum(weights)
    gradients = tape.gradient(loss, [variable.value for variable in variables.values()])
    return float(loss), dict(zip(variables, gradients)), values


def assert_same(objective, batch, reference, expected, tolerance=1e-5):
    expected.backward()
    loss, gradients, _ = loss_and_gradients(objective, batch)
    assert loss == pytest.approx(expected.item(), abs=tolerance, rel=tolerance)
    compared = 0
    largest = max(np.abs(reference.gradient(n)).max() for n in reference.names if reference.gradient(n) is not None)
    for name, gradient in gradients.items():
        other = reference.gradient(name) if name in reference.names else None
        if other is None:
            assert gradient is None or name not in reference.names, name  # the pooler plays no part
            continue
        compared += 1
        np.testing.assert_allclose(
            tf.convert_to_tensor(gradient), other, atol=tolerance * max(1.0, largest), err_msg=name
        )
    assert compared >= len(reference.names) - 2


def labels():
    return np.array([0.0, 5.0, 2.5, 4.2, 1.0], np.float32)


@pytest.mark.slow
@pytest.mark.parametrize("static", [False, True])
@pytest.mark.parametrize("pooling", ["mean", "cls", "max"])
def test_similarity_regression_equals_torch(pooling, static, tmp_path):
    encoder = small_models.encoder(static=static)
    objective = registry.get("objective", "similarity_regression")(encoder, pooling, (0.0, 5.0))
    batch = {**texts_of(), "label_ids": labels()}
    reference = Reference(encoder, tmp_path)
    cosine = torch.cosine_similarity(*(reference.vectors(batch, text, pooling) for text in "ab"))
    expected = torch.nn.functional.mse_loss(cosine, torch.tensor(labels()) / 5.0)
    assert_same(objective, batch, reference, expected)
    scores = objective.predictions(objective(small_models.tensors(batch)))["probabilities"].numpy()
    np.testing.assert_allclose(scores[:, 0], 5.0 * cosine.detach().numpy(), atol=1e-5)


def test_a_range_that_does_not_begin_at_zero(tmp_path):
    encoder = small_models.encoder()
    objective = registry.get("objective", "similarity_regression")(encoder, score_range=(-1.0, 3.0))
    batch = {**texts_of(), "label_ids": labels()}
    reference = Reference(encoder, tmp_path)
    cosine = torch.cosine_similarity(*(reference.vectors(batch, text, "mean") for text in "ab"))
    assert_same(objective, batch, reference, ((cosine - (torch.tensor(labels()) + 1.0) / 4.0) ** 2).mean())


def test_rows_that_fill_up_a_batch_have_no_weight_and_no_nan():
    objective = registry.get("objective", "similarity_regression")(small_models.encoder(), score_range=(0.0, 5.0))
    batch = {**texts_of(), "label_ids": labels()}
    filled = {name: np.concatenate([array, np.zeros_like(array[:2])]) for name, array in batch.items()}
    filled["is_real_example"] = np.array([1] * 5 + [0] * 2, np.int32)
    (loss, gradients, _), (expected, others, _) = (loss_and_gradients(objective, b) for b in (filled, batch))
    assert loss == pytest.approx(expected, rel=1e-6)
    for name, gradient in gradients.items():
        if gradient is not None:
            np.testing.assert_allclose(
                tf.convert_to_tensor(gradient), tf.convert_to_tensor(others[name]), atol=1e-6, err_msg=name
            )


def test_several_poolings_are_joined():
    encoder, batch = small_models.encoder(), small_models.tensors(texts_of())
    stack = sentence_vectors.stack_texts(batch, ("a", "b"))
    parts = [sentence_vectors.sentence_vectors(encoder, stack, name) for name in ("cls", "max")]
    joined = sentence_vectors.sentence_vectors(encoder, stack, "cls+max")
    np.testing.assert_allclose(joined, np.concatenate(parts, axis=1), atol=1e-6)
    assert joined.shape == (10, 32)


def test_an_unknown_pooling_is_refused():
    for name in ("similarity_regression", "response_ranking"):
        with pytest.raises(InputError, match="--pooling=median: unknown pooling 'median'; known: cls, mean"):
            registry.get("objective", name)(small_models.encoder(), pooling="median")


# Response ranking.


def ranking(static=False, **arguments):
    objective = registry.get("objective", "response_ranking")(small_models.encoder(static=static), **arguments)
    small_models.randomize(objective)
    return objective


@pytest.mark.slow
@pytest.mark.parametrize("static", [False, True])
@pytest.mark.parametrize("prefixes", ["ab", "abc"])
@pytest.mark.parametrize("similarity", ["cosine", "dot"])
def test_response_ranking_equals_sentence_transformers(prefixes, similarity, static, tmp_path):
    util = pytest.importorskip("sentence_transformers.util", reason="make peers")
    losses = pytest.importorskip("sentence_transformers.sentence_transformer.losses", reason="make peers")
    objective = ranking(static, similarity=similarity)
    reference, batch = Reference(objective.encoder, tmp_path), texts_of(prefixes)
    scale, function = (20.0, util.cos_sim) if similarity == "cosine" else (1.0, util.dot_score)
    theirs = losses.MultipleNegativesRankingLoss(None, scale=scale, similarity_fct=function)
    vectors = [reference.vectors(batch, text, "mean") for text in prefixes]
    expected = theirs.compute_loss_from_embeddings(vectors, None)
    _, _, values = loss_and_gradients(objective, batch)
    assert_same(objective, batch, reference, expected)
    assert values["ranking_candidates"].numpy().tolist() == [5.0 * (len(prefixes) - 1)] * 5
    scores = function(vectors[0], torch.cat(vectors[1:])).detach().numpy()
    assert values["ranking_accuracy"].numpy().tolist() == (scores.argmax(1) == np.arange(5)).tolist()


def restated(anchors, candidates, counted, scale=20.0):
    """Mean over the texts of -log softmax, over the candidates that count for each."""
    scores = scale * torch.nn.functional.normalize(anchors, dim=1) @ torch.nn.functional.normalize(candidates, dim=1).T
    own = torch.arange(len(anchors))
    return torch.nn.functional.cross_entropy(scores.masked_fill(~torch.tensor(counted), -torch.inf), own)


@pytest.mark.parametrize("static", [False, True])
def test_what_is_no_wrong_answer_does_not_count_and_rows_may_lack_a_hard_negative(static, tmp_path):
    objective, batch = ranking(static), texts_of("abc")
    for name in ("input_ids", "input_mask"):
        batch[f"b_{name}"][3] = batch[f"b_{name}"][1]  # one response twice
        batch[f"c_{name}"][4] = batch[f"b_{name}"][0]  # a hard negative that is another row's response
        batch[f"b_{name}"][2] = batch[f"a_{name}"][4]  # a text that is another row's response
        batch[f"c_{name}"][[0, 2]] = 0  # not there
    reference, first = Reference(objective.encoder, tmp_path), np.arange(WIDTH) == 0
    padded = {**batch, "c_input_mask": batch["c_input_mask"] | first}  # a vector of nothing at all would be 0 / 0
    vectors = [reference.vectors(padded, text, "mean") for text in "abc"]
    counted = np.ones([5, 10], bool)
    counted[:, [5, 7]] = False
    counted[1, 3] = counted[3, 1] = counted[0, 9] = counted[4, 2] = False
    assert_same(objective, batch, reference, restated(vectors[0], torch.cat(vectors[1:]), counted))
    values = objective.losses(batch, objective(small_models.tensors(batch)))
    assert values["ranking_candidates"].numpy().tolist() == counted.sum(1).tolist() == [7.0, 7.0, 8.0, 7.0, 7.0]


def test_layers_of_the_response_alone(tmp_path):
    objective, batch = ranking(response_layers=2, pooling="cls"), texts_of()
    reference = Reference(objective.encoder, tmp_path)
    anchors, candidates = (reference.vectors(batch, text, "cls") for text in "ab")
    weights = {name: torch.tensor(v.numpy()) for name, v in objective.named_weights().items() if "response/" in name}
    assert len(weights) == 4 and "response/dense_0/kernel" in weights
    for i in range(2):
        candidates = torch.tanh(
            candidates @ weights[f"response/dense_{i}/kernel"] + weights[f"response/dense_{i}/bias"]
        )
    assert_same(objective, batch, reference, restated(anchors, candidates, np.ones([5, 5], bool)))


def test_rows_that_fill_up_are_candidates_without_a_loss(tmp_path):
    objective, batch = ranking(), texts_of()
    real = np.array([1, 1, 1, 0, 0], np.int32)
    values = objective.losses(batch, objective(small_models.tensors(batch)))["loss"].numpy()
    loss, _, _ = loss_and_gradients(objective, {**batch, "is_real_example": real})
    assert loss == pytest.approx(values[:3].mean(), rel=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("name, prefixes", [("response_ranking", "abc"), ("similarity_regression", "ab")])
def test_compiled_with_static_shapes_it_is_the_same(name, prefixes):
    batch = {**texts_of(prefixes), "label_ids": labels() / 5.0}
    losses = []
    for static in (False, True):
        objective = registry.get("objective", name)(small_models.encoder(static=static))
        compute = tf.function(
            lambda features: objective.losses(features, objective(features))["loss"],  # noqa: B023
            jit_compile=static,
        )
        losses.append(compute(small_models.tensors(batch)).numpy())
    np.testing.assert_allclose(losses[1], losses[0], rtol=1e-5, atol=1e-6)
