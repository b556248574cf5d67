"""Thresholds of several labels: those of the best F1, saved in config.json and used wherever labels are chosen."""

import json

import numpy as np
import pytest
import sklearn.metrics as sk
import small_classifiers
import small_models

from bertline.errors import InputError
from bertline.modeling.objectives.classification.sequence_classification import SequenceClassification
from bertline.processors.labels.base import make_labels
from bertline.serving.export.saved_module import ClassifierModule
from bertline.serving.prediction.predictor import Predictor
from bertline.training.evaluation import co_occurrence
from bertline.training.scores import score

SEVERAL = "multi_label_classification"
NAMES = ["a", "b", "c"]
DRAW = np.random.default_rng(2)
GOLDS = (DRAW.random([60, 3]) < [0.5, 0.1, 0.3]).astype(np.float32)
# Two digits, so that many are equal.
ANSWERS = np.clip(0.2 + 0.3 * GOLDS + DRAW.normal(0, 0.2, [60, 3]), 0.01, 0.99).round(2).astype(np.float32)


def tuned():
    return make_labels(SEVERAL, NAMES, tunes_thresholds=True).fit(GOLDS, ANSWERS)


def test_thresholds_are_those_of_the_best_f1():
    for column, threshold in enumerate(tuned().thresholds):
        gold, found = GOLDS[:, column], ANSWERS[:, column]
        best = max(sk.f1_score(gold, found >= t) for t in np.unique(found))
        assert sk.f1_score(gold, found >= threshold) == pytest.approx(best)
        assert threshold not in found, "a probability that is rounded otherwise changes nothing"


def test_a_label_of_no_row_keeps_a_half():
    labels = make_labels(SEVERAL, ["a"], tunes_thresholds=True)
    assert labels.fit([[0.0], [0.0]], [[0.2], [0.9]]).thresholds == [0.5]
    assert make_labels(SEVERAL, ["a"]).fit([[1.0]], [[0.2]]).thresholds == [0.5], "nobody asked for it"


def test_they_are_saved_and_read():
    labels = tuned()
    config = json.loads(json.dumps(labels.config_entries()))
    assert make_labels(SEVERAL, NAMES).with_config(config).thresholds == labels.thresholds
    assert make_labels(SEVERAL, NAMES, **type(labels).saved_options(config)).thresholds == labels.thresholds
    assert "label_thresholds" not in make_labels(SEVERAL, NAMES).config_entries()
    assert make_labels(SEVERAL, NAMES).with_config({}).thresholds == [0.5] * 3
    for damaged in ([0.5], {"a": "0.5"}, {"a": float("nan")}, {"a": -1}):
        with pytest.raises(
            InputError, match="^label_thresholds is .*; an object of labels and probabilities is needed$"
        ):
            type(labels).saved_options({"label_thresholds": damaged})


def test_scores_and_tables_use_them():
    labels = tuned()
    names = ["f1_micro", "f1_macro", "f1_samples", "accuracy", *labels.scores]
    found, chosen = score.compute(names, GOLDS, ANSWERS, labels.thresholds), ANSWERS >= np.array(labels.thresholds)
    for average in ("micro", "macro", "samples"):
        assert found[f"f1_{average}"] == pytest.approx(sk.f1_score(GOLDS, chosen, average=average, zero_division=0))
    for average in ("micro", "macro"):
        expected = sk.average_precision_score(GOLDS, ANSWERS, average=average)
        assert found[f"average_precision_{average}"] == pytest.approx(expected)
    assert found["f1_macro"] > score.compute(["f1_macro"], GOLDS, ANSWERS)["f1_macro"]
    assert labels.decide(ANSWERS[0]) == [name for name, is_it in zip(NAMES, chosen[0]) if is_it]
    assert score.compute(labels.scores, [np.zeros(3)], [np.zeros(3)])["average_precision_macro"] == 0.0


def test_a_folder_predicts_by_its_own(tmp_path, caplog):
    folder = small_classifiers.classifier_folder(tmp_path, SEVERAL)
    texts = ["fed a b", "b", "c d"]
    probabilities = Predictor(folder).probabilities(texts)
    thresholds = {"red": float(probabilities[0, 0]) + 1e-3, "green": 0.0, "blue": 1.1}
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "label_thresholds": thresholds}))
    expected = [("red", "green") if row[0] >= thresholds["red"] else ("green",) for row in probabilities]
    assert [one.label for one in Predictor(folder).predict(texts)] == expected and expected[0] == ("green",)
    assert "label_thresholds" not in caplog.text


def test_an_exported_model_has_them():
    objective = SequenceClassification(small_models.encoder(num_hidden_layers=1), 3, SEVERAL)
    features = small_models.tensors(small_models.features())
    found = ClassifierModule(objective, make_labels(SEVERAL, NAMES))(features)["probabilities"].numpy()
    thresholds = dict(zip(NAMES, (found.mean(axis=0)).tolist()))
    labels = make_labels(SEVERAL, NAMES, thresholds=thresholds)
    said = ClassifierModule(objective, labels)(features)["label"].numpy().astype(str).tolist()
    assert said == [labels.decode(row) for row in found] and len(set(said)) > 1


def test_co_occurrences_are_counted(tmp_path):
    co_occurrence.write(str(tmp_path), NAMES, GOLDS)
    header, *rows = [line.split("\t") for line in (tmp_path / "co_occurrence.tsv").read_text().splitlines()]
    assert header == ["label", *NAMES] and [row[0] for row in rows] == NAMES
    expected = [[sum(1 for row in GOLDS if row[i] and row[j]) for j in range(3)] for i in range(3)]
    assert [[int(cell) for cell in row[1:]] for row in rows] == expected
    assert (tmp_path / "co_occurrence.png").read_bytes().startswith(b"\x89PNG")
