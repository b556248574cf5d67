"""run_classifier.py on several tasks, in this process: bits, files, a stop and what follows it."""

import json
import os
import signal

import numpy as np
import page_stand_ins
import pytest
import small_tasks
from small_tasks import TRAIN, results, weights

from bertline.errors import InputError
from bertline.serving.export.exporter import export
from bertline.serving.prediction.predictor import Predictor
from bertline.settings.scripts.export_model import ExportSettings
from bertline.training.jobs.multi_task_data import MultiTaskData

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def both(run, data, tmp_path_factory):
    """The folder of a run on both tasks."""
    out = tmp_path_factory.mktemp("both")
    return run(
        out, tasks_file=str(data / "both.ini"), task_sampling="square_root", eval_steps=4, keep_best=True, **TRAIN
    )


def test_one_of_several_is_the_single_task_to_the_bit(run, data, tmp_path):
    single = run(tmp_path / "single", task_name="tsv", data_dir=str(data / "hue"), **TRAIN)
    one = run(tmp_path / "one", tasks_file=str(data / "one.ini"), **TRAIN)
    expected, found = weights(single), weights(one)
    for name, value in expected.items():
        np.testing.assert_array_equal(found[f"hue.{name}" if name.startswith("classifier") else name], value, name)
    assert len(found) == len(expected)
    for name in ("eval_results.txt", "test_results.tsv", "predictions.tsv", "label_map.json"):
        assert (one / "hue" / name).read_bytes() == (single / name).read_bytes(), name


def test_each_task_has_its_files_and_the_run_all_scores(both):
    all_scores = results(both / "eval_results.txt")
    hue, near = (results(both / name / "eval_results.txt") for name in ("hue", "near"))
    assert all_scores["eval_hue_accuracy"] == hue["eval_accuracy"]
    assert all_scores["eval_near_pearson"] == near["eval_pearson"]
    assert all_scores["eval_mean"] == pytest.approx((hue["eval_accuracy"] + near["eval_pearson"]) / 2)
    assert [len((both / name / "test_results.tsv").read_text().splitlines()) for name in ("hue", "near")] == [5, 5]
    assert np.loadtxt(both / "hue" / "test_results.tsv").shape == (5, 3)
    pages = {name: (both / name / "report.html").read_text(encoding="utf-8") for name in ("", "hue", "near")}
    assert 'href="hue/report.html"' in pages[""] and "Scores of near" in pages[""] and "Learning curves" in pages[""]
    assert "Confusion of dev" in pages["hue"] and "Largest errors of test" in pages["near"]
    assert "<h2>Scores</h2>" in pages["near"] and f"{near['eval_pearson']:.4f}" in pages[""]
    # 16 rows in batches of 4 and of 8 are 6 batches an epoch.
    assert json.loads((both / "run_config.json").read_text())["num_train_steps"] == 12


def test_the_folder_serves_all_its_tasks(both, data):
    texts = [line.split("\t") for line in (data / "hue" / "test.tsv").read_text().splitlines()[1:]]
    found = Predictor(both, task="hue").probabilities([text for text, _ in texts])
    np.testing.assert_allclose(found, np.loadtxt(both / "hue" / "test_results.tsv"), atol=1e-5)
    [score] = Predictor(both, task="near").predict([("a b", "c")])
    assert score.label is None and np.isfinite(score.score)
    with pytest.raises(InputError, match="--task_name is needed; its tasks: hue, near"):
        Predictor(both)


@pytest.mark.long
def test_a_task_is_exported_alone(both, tmp_path):
    found = export(ExportSettings(init_checkpoint=str(both), output_dir=str(tmp_path / "saved"), task_name="near"))
    assert max(found[1].values()) < 1e-4


def test_prediction_alone_takes_tasks_and_heads_from_the_folder(run, both, tmp_path):
    before = (both / "near" / "test_results.tsv").read_text()
    os.remove(both / "near" / "test_results.tsv")
    run(both, do_predict=True, train_batch_size=4)
    assert (both / "near" / "test_results.tsv").read_text() == before


def test_a_stopped_run_ends_with_the_same_bits(run, data, both, tmp_path, monkeypatch):
    small_tasks.stop_at_first_scores(monkeypatch, MultiTaskData)
    settings = {
        "tasks_file": str(data / "both.ini"),
        "task_sampling": "square_root",
        "eval_steps": 4,
        "keep_best": True,
    }
    run(tmp_path, 128 + signal.SIGTERM, do_train=True, **settings)
    run(tmp_path, do_train=True, **settings)
    expected = weights(both)
    for name, value in weights(tmp_path).items():
        np.testing.assert_array_equal(value, expected[name], name)


def test_a_task_goes_on_from_the_shared_folder(run, data, both, tmp_path, caplog):
    """The encoder, and the head of the task of the same name: the first evaluation is that of the shared folder."""
    one = tmp_path / "one.ini"
    one.write_text((data / "one.ini").read_text())
    found = small_tasks.run(both / "model", tmp_path / "out", tasks_file=str(one), do_eval=True)
    assert results(found / "hue" / "eval_results.txt")["eval_loss"] == pytest.approx(
        results(both / "hue" / "eval_results.txt")["eval_loss"], rel=1e-5
    )


def test_a_task_without_dev_is_refused(run, data, tmp_path):
    (tmp_path / "bare").mkdir()
    (tmp_path / "bare" / "train.tsv").write_text("text\tlabel\na b\tx\nc\ty\n")
    recipe = tmp_path / "recipe.ini"
    recipe.write_text(f"{(data / 'both.ini').read_text()}[bare]\ndata_dir={tmp_path}/bare\n")
    with pytest.raises(InputError, match="^task bare: .*dev.tsv: no such file") as error:
        run(tmp_path / "out", tasks_file=str(recipe), **TRAIN)
    assert "\n" not in str(error.value)


@pytest.fixture(scope="module")
def cosines(run, data, tmp_path_factory):
    """The folder of a run on hue, and on near by the cosine of two vectors, with a length of its own."""
    recipe = tmp_path_factory.mktemp("recipe") / "cosines.ini"
    recipe.write_text(
        f"[all]\ntask_name = tsv\n[hue]\ndata_dir = {data}/hue\n[near]\ndata_dir = {data}/near\n"
        "problem_type = regression\nobjective = similarity_regression\nscore_range = 0,4\nmax_seq_length = 5\n"
    )
    return run(tmp_path_factory.mktemp("cosines"), tasks_file=str(recipe), num_train_epochs=1, **TRAIN)


@pytest.mark.long
def test_a_head_of_cosines_serves_pairs(cosines, data):
    lines = (data / "near" / "test.tsv").read_text().splitlines()[1:]
    predictor = Predictor(cosines, task="near", warm_up=True)
    assert (predictor.max_seq_length, Predictor(cosines, task="hue").max_seq_length) == (5, 16)
    found = predictor.predict([tuple(line.split("\t")[:2]) for line in lines])
    expected = np.loadtxt(cosines / "near" / "test_results.tsv")
    np.testing.assert_allclose([one.score for one in found], expected, atol=1e-5)
    assert all(one.truncated for one in found) and "true" in (cosines / "near" / "predictions.tsv").read_text()
    with pytest.raises(InputError, match="no second text; two texts are compared here, so each row needs both"):
        predictor.predict(["a single text"])
    with pytest.raises(InputError, match="^--task_name=near: its head compares several texts of a row, which is not"):
        export(ExportSettings(init_checkpoint=str(cosines), output_dir="unused", task_name="near"))


@pytest.mark.long
def test_a_task_has_the_length_of_its_section_again(cosines, run):
    """Prediction alone takes it from the recipe."""
    before = (cosines / "near" / "test_results.tsv").read_text()
    os.remove(cosines / "near" / "test_results.tsv")
    run(cosines, do_predict=True)
    assert (cosines / "near" / "test_results.tsv").read_text() == before


def write_ranking(folder):
    """Queries of one letter; of its three candidates the one with the letter is right. num_candidates is 2 below."""
    folder.mkdir()
    for split, letters in (("train", "abcdefgh"), ("dev", "ij"), ("test", "kl")):
        rows = [("text_a", "text_b", "label")]
        rows += [(one, f"{one} x", 1) for one in letters] + [
            (one, f"{other} y", 0) for one in letters for other in "yz"
        ]
        (folder / f"{split}.tsv").write_text("".join("\t".join(map(str, row)) + "\n" for row in rows))
    return folder


@pytest.mark.long
def test_candidates_are_ranked_beside_another_task(run, data, tmp_path):
    """Longer lists are several rows; files, scores and the Predictor say the same of them."""
    recipe = tmp_path / "rank.ini"
    recipe.write_text(
        f"[all]\ntask_name = tsv\n[hue]\ndata_dir = {data}/hue\n[pick]\ndata_dir = {write_ranking(tmp_path / 'pick')}\n"
        "task_name = ranking\nobjective = candidate_ranking\nnum_candidates = 2\n"
    )
    out = run(tmp_path / "out", tasks_file=str(recipe), num_train_epochs=1, terms="r_drop", **TRAIN)
    # Eight queries with two wrong candidates each are sixteen rows, one right and one wrong in each.
    assert json.loads((out / "run_config.json").read_text())["num_train_steps"] == 4 + 4
    lines = [line.split("\t") for line in (out / "pick" / "predictions.tsv").read_text().splitlines()]
    assert lines[0] == ["guid", "rank", "probability", "true_label", "truncated", "query", "candidate"]
    assert len(lines) == 1 + 2 * 3 and {row[4] for row in lines[1:]} == {"false"}
    found = np.loadtxt(out / "pick" / "test_results.tsv")
    np.testing.assert_allclose(found.sum(axis=1), 1.0, atol=1e-5)
    candidates = {query: [row[6] for row in lines[1:] if row[5] == query] for query in "kl"}
    rankings = Predictor(out, task="pick", warm_up=True).predict(list(candidates.items()))
    for answer, expected in zip(rankings, found):
        np.testing.assert_allclose(answer.probabilities, np.sort(expected)[::-1], atol=1e-5)
        assert list(answer.places) == np.argsort(-expected).tolist()
    ranks = [int(row[1]) for row in lines[1:] if row[3] == "1"]
    scores = results(out / "pick" / "test_results.txt")
    assert scores["test_mrr"] == pytest.approx(np.mean([1 / rank for rank in ranks]))
    assert scores["test_accuracy_at_1"] == np.mean([rank == 1 for rank in ranks])
    assert results(out / "eval_results.txt")["eval_pick_map"] > 0.0
    with pytest.raises(InputError, match=r"^queries\[0\]: a query and a list of candidates are needed"):
        Predictor(out, task="pick").predict(["k"])


def write_tags(folder):
    """Sentences of letters, a or b a colour, in columns."""
    folder.mkdir()
    for split, sentences in (
        ("train", ("a c b d", "c d", "b", "d a a", "c b")),
        ("dev", ("d b", "a c")),
        ("test", ("c a",)),
    ):
        blocks = ("".join(f"{one} {'B-HUE' if one in 'ab' else 'O'}\n" for one in text.split()) for text in sentences)
        (folder / f"{split}.txt").write_text("\n".join(blocks))
    return folder


def test_words_are_tagged_beside_another_task(run, data, tmp_path):
    """With options of its own head; the folder tags by the task's name."""
    recipe, section = (
        tmp_path / "tags.ini",
        f"[names]\ntask_name = conll\ndata_dir = {write_tags(tmp_path / 'names')}\n",
    )
    recipe.write_text(f"[hue]\ntask_name = tsv\ndata_dir = {data}/hue\n{section}")
    with pytest.raises(
        InputError, match="^task names: .*task_name=conll is tags; --objective=token_classification is "
    ):
        run(tmp_path / "out", tasks_file=str(recipe), **TRAIN)
    recipe.write_text(recipe.read_text() + "objective = token_classification\ncrf = yes\ntag_scheme = bioes\n")
    out = run(tmp_path / "out", tasks_file=str(recipe), **TRAIN)
    [lines] = Predictor(out, task="names", warm_up=True).tag([["c", "a"]])
    found = [line.split() for line in (out / "names" / "predictions.conll").read_text().splitlines() if line]
    assert [(line[0], line[-1]) for line in found] == list(zip(("c", "a"), lines.tags))
    assert any("transitions" in name for name in weights(out)), "of the CRF"
    assert results(out / "eval_results.txt")["eval_names_entity_f1"] == pytest.approx(
        results(out / "names" / "eval_results.txt")["eval_entity_f1"]
    )
    assert "S-HUE" in json.loads((out / "names" / "label_map.json").read_text())


def test_a_section_that_is_longer_than_the_model_is_refused(run, data, tmp_path):
    recipe = tmp_path / "long.ini"
    recipe.write_text(f"[hue]\ntask_name = tsv\ndata_dir = {data}/hue\nmax_seq_length = 65\n")
    with pytest.raises(InputError, match="^task hue: --max_seq_length=65: the model has positions for 64 tokens"):
        run(tmp_path / "out", tasks_file=str(recipe), **TRAIN)


@pytest.fixture(scope="module")
def glue(run, tmp_path_factory):
    """(data, folder): a run by names alone, on small MRPC and RTE."""
    folder, out = tmp_path_factory.mktemp("glue"), tmp_path_factory.mktemp("both")
    page_stand_ins.write_mrpc(folder / "MRPC")
    page_stand_ins.write_rte(folder / "RTE")
    return folder, run(out, task_name="mrpc,rte", data_dir=str(folder), num_train_epochs=1, do_train=True, do_eval=True)


@pytest.mark.long
def test_one_task_is_tuned_on_from_the_shared_folder(glue, tmp_path, caplog):
    """MT-DNN's second step: it begins with the shared encoder and the task's own head."""
    folder, shared = glue
    caplog.set_level("INFO")
    given = {"task_name": "rte", "data_dir": str(folder / "RTE"), "num_train_epochs": 1}
    small_tasks.run(shared, tmp_path / "as_it_is", do_eval=True, **given)
    expected = results(shared / "rte" / "eval_results.txt")
    found = results(tmp_path / "as_it_is" / "eval_results.txt")
    assert found["eval_loss"] == pytest.approx(expected["eval_loss"], rel=1e-5)
    small_tasks.run(shared / "model", tmp_path / "tuned", do_train=True, learning_rate=1e-9, **given)
    assert "missing        0" in caplog.text
    before = weights(shared)
    for name, value in weights(tmp_path / "tuned").items():
        np.testing.assert_allclose(value, before[f"rte.{name}" if name.startswith("class") else name], atol=1e-6)
