"""Lines are asked in batches; each gets the answers that it gets alone."""

import numpy as np
import pytest
import small_models
import tensorflow as tf

from bertline.modeling.objectives.language_models import mask_filling
from bertline.processors.layouts.packed import Packed
from bertline.processors.tokenization import FullTokenizer

TEXTS = ["a b [MASK]", "c", "[MASK] d [MASK] e f", "b a c d", "", "[MASK]", "f e"]
TOP_K = 3


@pytest.fixture(scope="module")
def layout(tmp_path_factory):
    path = tmp_path_factory.mktemp("vocab") / "vocab.txt"
    path.write_text("\n".join(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *"abcdef"]) + "\n")
    return Packed(FullTokenizer(path), 12)


@pytest.fixture(scope="module")
def objective():
    return small_models.objective("masked_lm", num_hidden_layers=1)


def log_probabilities(objective, ids, position):
    """float64 [V] of one position of one row, without padding."""
    ids = tf.constant([ids])
    features = {"input_ids": ids, "input_mask": tf.ones_like(ids), "segment_ids": tf.zeros_like(ids)}
    outputs = objective({**features, "masked_lm_positions": tf.constant([[position]])})
    logits = objective.masked_lm_logits(outputs).numpy()[0].astype(np.float64)
    return logits - np.log(np.exp(logits).sum())


@pytest.mark.slow
@pytest.mark.parametrize(("tokens", "positions"), [(4096, 512), (11, 512), (4096, 2)])
def test_the_batch_of_a_line_changes_nothing(layout, objective, tokens, positions, monkeypatch):
    monkeypatch.setattr(mask_filling, "BATCH_TOKENS", tokens)
    monkeypatch.setattr(mask_filling, "POSITIONS_AT_ONCE", positions)
    found = list(mask_filling.text_predictions(objective, TEXTS, layout, TOP_K))
    assert [line["text"] for line in found] == TEXTS
    tokenizer = layout.tokenizer
    for line in found:
        ids = tokenizer.convert_tokens_to_ids(["[CLS]", *line["text"].split(), "[SEP]"])
        masked = [i for i, one in enumerate(ids) if one == tokenizer.mask_id]
        if masked:
            assert [mask["position"] for mask in line["masks"]] == masked
        for mask in line.get("masks", ()):
            probabilities = np.exp(log_probabilities(objective, ids, mask["position"]))[: tokenizer.vocab_size]
            best = np.argsort(-probabilities, kind="stable")[:TOP_K]
            assert [one["token"] for one in mask["candidates"]] == tokenizer.convert_ids_to_tokens(best.tolist())
            np.testing.assert_allclose([one["probability"] for one in mask["candidates"]], probabilities[best], 1e-5)
        if not masked:
            expected = [
                log_probabilities(objective, [*ids[:i], tokenizer.mask_id, *ids[i + 1 :]], i)[ids[i]]
                for i in range(1, len(ids) - 1)
            ]
            np.testing.assert_allclose([one["log_probability"] for one in line["tokens"]], expected, 1e-5)
            assert [one["token"] for one in line["tokens"]] == line["text"].split()
