"""MiniLM's scores against those of sentence-transformers' vectors, computed by scipy and scikit-learn directly."""

import logging

import numpy as np
import pytest
import scipy.stats
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, StratifiedKFold

from bertline.settings.scripts.evaluate_vectors import EvaluationSettings
from bertline.vector_evaluation.evaluate import evaluate
from bertline.vector_evaluation.tasks import read_tasks

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def peer(minilm):
    """texts -> vectors of sentence-transformers."""
    sentence_transformers = pytest.importorskip("sentence_transformers", reason="make peers")
    model = sentence_transformers.SentenceTransformer(minilm, device="cpu")
    return lambda texts: model.encode(list(texts), show_progress_bar=False)


def copy_lines(source, target, step):
    """Every so many-th line of a file."""
    target.parent.mkdir(exist_ok=True)
    target.write_bytes(b"".join(source.read_bytes().splitlines(keepends=True)[::step]))


def scored(minilm, tasks, **settings):
    run = EvaluationSettings(init_checkpoint=minilm, tasks=tasks, **settings)
    return evaluate(run, read_tasks(run))


def test_similarity(minilm, peer, data_dir, tmp_path):
    copy_lines(data_dir / "stsb" / "sts-dev.csv", tmp_path / "stsb" / "sts-dev.csv", 4)
    [result] = scored(minilm, f"sts-b={tmp_path}/stsb")
    rows = [line.split("\t") for line in (tmp_path / "stsb" / "sts-dev.csv").read_text("utf-8").splitlines()]
    first, second = peer([row[5] for row in rows]), peer([row[6] for row in rows])
    cosines = (first * second).sum(axis=1) / np.linalg.norm(first, axis=1) / np.linalg.norm(second, axis=1)
    gold = [float(row[4]) for row in rows]
    assert (result.split, result.rows) == ("dev", 375)
    assert result.scores["spearman"] == pytest.approx(scipy.stats.spearmanr(cosines, gold).statistic, abs=1e-4)
    assert result.scores["pearson"] == pytest.approx(scipy.stats.pearsonr(cosines, gold).statistic, abs=1e-4)
    assert result.scores["spearman"] > 0.8


def test_classification(minilm, peer, data_dir, tmp_path, caplog):
    folder = tmp_path / "trec"
    for name, step in (("TREC.train", 12), ("TREC.test", 3)):
        copy_lines(data_dir / "trec" / name, folder / name, step)
    with caplog.at_level(logging.WARNING):
        [result] = scored(minilm, f"trec={folder}", folds=3, seed=7)
    assert "evaluating on the test rows" not in caplog.text
    (x, y), (test_x, test_y) = (_rows(peer, folder / name) for name in ("TREC.train", "TREC.test"))
    grid = {"C": [2.0**power for power in range(-2, 6)]}
    folds = StratifiedKFold(3, shuffle=True, random_state=7)
    search = GridSearchCV(LogisticRegression(max_iter=1000), grid, cv=folds).fit(x, y)
    assert (result.split, result.rows, result.chosen_on) == ("test", len(test_y), "3 folds of train")
    assert result.strength == search.best_params_["C"]
    assert result.scores == {"accuracy": pytest.approx(search.score(test_x, test_y), abs=1e-9)}
    assert result.scores["accuracy"] > 0.7


def _rows(peer, path):
    lines = [line.split(" ", 1) for line in path.read_text("latin-1").splitlines()]
    return peer([text for _, text in lines]).astype(np.float64), [label.split(":")[0] for label, _ in lines]
