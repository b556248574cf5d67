"""A task of a folder of several, used alone: its head, its section's settings, and what is refused."""

import json
import shutil

import numpy as np
import pytest
from small_tasks import TRAIN, results, weights

from bertline.errors import InputError
from bertline.training.comparing import comparison

pytestmark = pytest.mark.slow


def recipe(data, **more):
    """Two sections whose names are those of no processor; what the first one says beside."""
    lines = [f"{name} = {value}" for name, value in {"windows": "mean", "max_seq_length": 5, **more}.items()]
    both = [f"[hue]\ndata_dir = {data}/hue", *lines, f"[near]\ndata_dir = {data}/near\nproblem_type = regression\n"]
    return "[all]\ntask_name = tsv\n" + "\n".join(both)


@pytest.fixture(scope="module")
def both(run, data, tmp_path_factory):
    path = tmp_path_factory.mktemp("recipe") / "both.ini"
    path.write_text(recipe(data))
    return run(tmp_path_factory.mktemp("both"), tasks_file=str(path), num_train_epochs=1, **TRAIN)


@pytest.mark.parametrize("name", ["hue", "Near"])
def test_it_predicts_as_its_section_says(run, data, both, tmp_path, name):
    """The kind of its files, windows, length and the type of its labels come from the folder."""
    own = both / name.lower()
    given = {"init_task": name, "data_dir": str(data / name.lower()), "init_checkpoint": str(both / "model")}
    out = run(tmp_path, do_eval=True, do_predict=True, **given)
    np.testing.assert_allclose(
        np.loadtxt(out / "test_results.tsv"), np.loadtxt(own / "test_results.tsv"), rtol=1e-5, atol=1e-6
    )
    expected = results(own / "eval_results.txt")
    assert results(out / "eval_results.txt") == pytest.approx(expected, rel=1e-5)


def test_sections_without_settings_of_their_own_are_there_all_the_same(run, data, both, tmp_path):
    """As in run_config.json of older folders, which names only sections with a length of their own."""
    old = shutil.copytree(both, tmp_path / "old")
    config = json.loads((old / "run_config.json").read_text())
    config["tasks"] = {"hue": {"max_seq_length": 5}}
    (old / "run_config.json").write_text(json.dumps(config))
    given = {"task_name": "tsv", "problem_type": "regression", "init_task": "near", "data_dir": str(data / "near")}
    out = run(tmp_path / "out", do_predict=True, init_checkpoint=str(old), **given)
    expected = np.loadtxt(both / "near" / "test_results.tsv")
    np.testing.assert_allclose(np.loadtxt(out / "test_results.tsv"), expected, rtol=1e-5, atol=1e-6)


def test_training_goes_on_with_its_head(run, data, both, tmp_path, caplog):
    caplog.set_level("INFO")
    given = {"task_name": "tsv", "data_dir": str(data / "hue"), "init_checkpoint": str(both), "num_train_epochs": 1}
    out = run(tmp_path / "tuned", do_train=True, init_task="hue", learning_rate=1e-9, **given)
    before = weights(both)
    for name, value in weights(out).items():
        np.testing.assert_allclose(value, before[f"hue.{name}" if name.startswith("class") else name], atol=1e-6)
    assert "begins at random" not in caplog.text
    # Once it is trained the folder is of one task, and the same command without training uses it.
    run(out, do_eval=True, init_task="hue", **given)
    run(tmp_path / "new", do_train=True, **given)
    assert "has the heads of hue, near, none of tsv: a new one begins at random; --init_task goes on" in caplog.text


@pytest.mark.parametrize(
    "settings, message",
    [
        ({"do_train": True, "init_task": "hew"}, "^--init_task=hew: .* has the heads of hue, near; name one of them$"),
        ({"do_eval": True}, " has the heads of hue, near, none of tsv; name the one meant by --init_task$"),
        ({"do_eval": True, "task_name": "hue"}, "^--task_name=hue: a section of .*; give it as --init_task=hue$"),
        ({"do_train": True, "init_task": "hue", "task_name": "tsv,csv"}, "^--init_task is for one task; "),
    ],
)
def test_what_is_not_there(run, data, both, tmp_path, settings, message):
    given = {"task_name": "tsv", "data_dir": str(data / "hue"), "init_checkpoint": str(both), **settings}
    with pytest.raises(InputError, match=message):
        run(tmp_path, **given)


def test_a_model_without_tasks_has_none_to_name(run, data, tmp_path):
    with pytest.raises(InputError, match="^--init_task=hue: .* is not of several tasks; leave it out$"):
        run(tmp_path, do_train=True, task_name="tsv", data_dir=str(data / "hue"), init_task="hue")


def test_a_recipe_that_was_edited_is_not_continued(run, data, both, tmp_path):
    path = tmp_path / "edited.ini"
    path.write_text(recipe(data, weight=0.5))
    message = "holds a run whose task hue has weight = 1.0, this one has 0.5; use the same recipe to continue it"
    with pytest.raises(InputError, match=message):
        run(both, tasks_file=str(path), num_train_epochs=1, **TRAIN)


@pytest.mark.parametrize(
    "metric, message",
    [
        ("f1", "^task hue: metric = f1 is for 2 labels, the task has 3$"),
        ("pearson", "^task hue: metric = pearson is for regression, the task is single_label_classification$"),
    ],
)
def test_a_metric_of_other_labels_is_refused_before_training(run, data, tmp_path, metric, message):
    path = tmp_path / "recipe.ini"
    path.write_text(recipe(data, metric=metric))
    with pytest.raises(InputError, match=message):
        run(tmp_path / "out", tasks_file=str(path), **TRAIN)


def test_it_is_compared_with_a_run_of_it_alone(run, data, both, tmp_path, capsys):
    given = {"windows": "mean", "max_seq_length": 5, "num_train_epochs": 1}
    alone = run(tmp_path / "alone", task_name="tsv", data_dir=str(data / "hue"), **given, **TRAIN)
    comparison.compare([str(both / "hue"), str(alone)], str(tmp_path / "out"), 10)
    shown = capsys.readouterr().out
    assert "weight " in shown and "max_seq_length" not in shown and "Against both" in shown.replace(both.name, "both")


def test_calibration_is_not_claimed_of_weights_that_were_written_anew(run, data, tmp_path, caplog):
    given = {"task_name": "tsv", "data_dir": str(data / "hue"), "num_train_epochs": 1, "do_train": True}
    run(tmp_path, do_eval=True, calibrate="temperature", **given)
    calibrated = weights(tmp_path)
    assert (tmp_path / "calibration.tsv").exists() and (tmp_path / "reliability.png").exists()
    run(tmp_path, do_eval=True, **given)
    assert not (tmp_path / "calibration.tsv").exists() and not (tmp_path / "reliability.png").exists()
    assert "the weights are as trained again; --calibrate calibrates them" in caplog.text
    assert np.abs(weights(tmp_path)["classifier.weight"] - calibrated["classifier.weight"]).max() > 1e-4


def test_thresholds_need_a_model_that_keeps_them(run, data, tmp_path):
    message = "^--tune_thresholds writes into the model of --output_dir, and .* has none; give the folder of a training"
    given = {"task_name": "tsv", "data_dir": str(data / "hue"), "problem_type": "multi_label_classification"}
    with pytest.raises(InputError, match=message):
        run(tmp_path, do_eval=True, tune_thresholds=True, **given)
