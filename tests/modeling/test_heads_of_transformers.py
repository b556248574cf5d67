"""Heads of tokens and of spans over BERT: logits and losses of transformers, for its weights."""

import json

import numpy as np
import pytest
import tensorflow as tf

from bertline import registry
from bertline.modeling.encoders.transformers.bert import Bert, BertConfig


def golden(golden_dir, name):
    folder = golden_dir / "techniques" / "torch_golden"
    with open(folder / f"{name}.config.json", encoding="utf-8") as file:
        config = json.load(file)
    return config, dict(np.load(folder / f"{name}.npz"))


def loaded(objective, arrays):
    names, weights = objective.huggingface_names(), objective.named_weights()
    for name, variable in weights.items():
        other, is_transposed = names[name]
        if f"w/{other}" not in arrays and "pooler" in name:
            continue
        variable.assign(arrays[f"w/{other}"].T if is_transposed else arrays[f"w/{other}"])
    return objective


@pytest.mark.real_data
def test_a_tag_for_each_token(golden_dir):
    config, arrays = golden(golden_dir, "bert_token_classification")
    labels = arrays["labels"]
    objective = registry.get("objective", "token_classification")(
        Bert(BertConfig.from_dict(config)), len(config["id2label"])
    )
    loaded(objective, arrays)
    mask = arrays["attention_mask"]
    length = mask.shape[1]
    features = {
        "input_ids": arrays["input_ids"],
        "input_mask": mask,
        "segment_ids": arrays.get("token_type_ids", 0 * mask),
        "word_positions": np.tile(np.arange(length), (len(mask), 1)),
        "word_mask": np.ones_like(mask),
        "label_ids": np.where(labels == -100, -1, labels),
    }
    features = {name: tf.constant(array, tf.int32) for name, array in features.items()}
    outputs = objective(features)
    real = mask > 0
    np.testing.assert_allclose(outputs["logits"].numpy()[real], arrays["logits"][real], atol=2e-5)
    weights, losses = objective.loss_weights(features)["loss"], objective.losses(features, outputs)["loss"]
    loss = tf.reduce_sum(weights * losses) / tf.reduce_sum(weights)
    np.testing.assert_allclose(loss, arrays["loss"], rtol=1e-5)
    assert np.array_equal(objective.predictions(outputs)["tags"].numpy()[real], arrays["logits"].argmax(-1)[real])


@pytest.mark.real_data
def test_where_an_answer_begins_and_ends(golden_dir):
    config, arrays = golden(golden_dir, "bert_qa")
    objective = loaded(registry.get("objective", "span_extraction")(Bert(BertConfig.from_dict(config))), arrays)
    mask = arrays["attention_mask"]
    features = {
        "input_ids": arrays["input_ids"],
        "input_mask": mask,
        "segment_ids": arrays.get("token_type_ids", 0 * mask),
        # The only ones of 12**4 whose loss, over all 12 places, is the one in the file.
        "start_positions": np.array([2, 3]),
        "end_positions": np.array([4, 8]),
    }
    positions = {name: features[f"{name}_positions"] for name in ("start", "end")}
    features = {name: tf.constant(array, tf.int32) for name, array in features.items()}
    outputs, real = objective(features), mask > 0
    for name in ("start_logits", "end_logits"):
        np.testing.assert_allclose(outputs[name].numpy()[real], arrays[name][real], atol=2e-5)

    def losses(hidden):
        """Cross entropies of both ends [2, B], over the places that are not hidden."""
        found = []
        for end, places in positions.items():
            logits = np.where(hidden, -np.inf, arrays[f"{end}_logits"])
            found.append(np.log(np.exp(logits).sum(1)) - logits[np.arange(len(mask)), places])
        return np.mean(found, axis=0)

    # transformers lets padding take part in the softmax, which is nothing to learn from.
    np.testing.assert_allclose(losses(np.zeros_like(real)).mean(), arrays["loss"], rtol=1e-6)
    np.testing.assert_allclose(objective.losses(features, outputs)["loss"], losses(~real), rtol=1e-5)
