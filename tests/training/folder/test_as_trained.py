"""What a command of evaluation or prediction leaves out is as the weights were trained; what it gives is obeyed."""

import dataclasses
import json
import logging

import pytest

from bertline.errors import InputError
from bertline.settings.scripts.run_classifier import ClassifierSettings
from bertline.settings.scripts.run_pretraining import PretrainingSettings
from bertline.settings.scripts.run_squad import SquadSettings
from bertline.settings.scripts.run_tagger import TaggerSettings
from bertline.training.folder import run_folder
from bertline.training.folder.as_trained import as_trained

TRAINED = ClassifierSettings(
    task_name="csv",
    max_seq_length=64,
    text_a_column="question",
    label_column="rating",
    problem_type="regression",
    delimiter=";",
    has_header=True,
    encoding="cp1252",
    objective="similarity_regression",
    pooling="cls",
    score_range="0,5",
    learning_rate=1e-3,
    train_batch_size=7,
    do_lower_case=True,
    do_train=True,
    test_file="old.csv",
)
TAKEN = {
    "task_name": "csv",
    "max_seq_length": 64,
    "text_a_column": "question",
    "label_column": "rating",
    "problem_type": "regression",
    "delimiter": ";",
    "has_header": True,
    "objective": "similarity_regression",
    "pooling": "cls",
    "score_range": "0,5",
}


def folder(path, settings=TRAINED):
    """An output folder of a finished run."""
    (path / "model").mkdir(parents=True)
    (path / "model" / "model.safetensors").touch()
    run_folder.write_run_config(path, settings)
    return path


def completed(run, *given):
    return as_trained(run, lambda name: name in given)


def changed(before, after):
    return {name: value for name, value in dataclasses.asdict(after).items() if value != getattr(before, name)}


@pytest.mark.parametrize("name", ["", "model", "model/", "model/model.safetensors", "model.ckpt-100", "best/weights-5"])
def test_of_weights_by_any_of_their_names(tmp_path, name):
    trained = folder(tmp_path / "trained")
    run = ClassifierSettings(
        do_predict=True,
        output_dir=str(tmp_path / "new"),
        init_checkpoint=str(trained / name) + "/" * name.endswith("/"),
    )
    assert changed(run, completed(run)) == TAKEN


def test_of_the_output_folder_before_that_of_the_checkpoint_and_of_the_seeds_own_run(tmp_path):
    start = folder(tmp_path / "start", dataclasses.replace(TRAINED, max_seq_length=32))
    own = folder(tmp_path / "own")
    run = ClassifierSettings(do_eval=True, output_dir=str(own), init_checkpoint=str(start))
    assert completed(run).max_seq_length == 64
    folder(tmp_path / "seeds" / "run-5", dataclasses.replace(TRAINED, max_seq_length=48))
    run = ClassifierSettings(do_eval=True, output_dir=str(tmp_path / "seeds"), num_runs=2, seed=5)
    assert completed(run).max_seq_length == 48


def test_what_is_given_is_obeyed_and_said(tmp_path, caplog):
    caplog.set_level(logging.INFO)
    own = folder(tmp_path / "own")
    run = ClassifierSettings(do_predict=True, output_dir=str(own), max_seq_length=128, text_a_column="title")
    found = completed(run, "max_seq_length", "text_a_column", "problem_type")
    assert (found.max_seq_length, found.text_a_column, found.label_column) == (128, "title", "rating")
    assert found.problem_type == "single_label_classification"
    taken, different = [record.getMessage() for record in caplog.records]
    assert taken.startswith(f"as {own} was trained: --task_name=csv --objective=similarity_regression ")
    assert different == (
        f"{own} was trained with --max_seq_length=64 --text_a_column=question --problem_type=regression; here it is "
        "--max_seq_length=128 --text_a_column=title --problem_type=single_label_classification, as given"
    )


def test_a_training_is_as_its_command_says(tmp_path):
    own = folder(tmp_path / "own")
    run = ClassifierSettings(do_train=True, do_predict=True, output_dir=str(own), init_checkpoint=str(own))
    assert completed(run) == run


def test_no_run_is_known(tmp_path):
    for start in (None, "", str(tmp_path), "gs://bucket/run", str(tmp_path / "bert_model.ckpt")):
        run = ClassifierSettings(do_predict=True, output_dir=str(tmp_path / "new"), init_checkpoint=start)
        assert completed(run) == run
    (tmp_path / "run_config.json").write_text("{}")
    assert run_folder.run_of(str(tmp_path / "elsewhere")) is None


def test_another_task_or_objective_is_not_that_of_the_training(tmp_path):
    trained = folder(tmp_path / "trained")
    run = ClassifierSettings(
        do_eval=True, output_dir=str(tmp_path / "new"), init_checkpoint=str(trained), task_name="sts-b"
    )
    assert changed(run, completed(run, "task_name")) == {
        name: TAKEN[name] for name in ("max_seq_length", "objective", "pooling", "score_range")
    }
    run = dataclasses.replace(run, task_name="TSV")
    found = changed(run, completed(run, "task_name", "objective"))
    assert found == {
        name: TAKEN[name] for name in TAKEN if name not in ("task_name", "objective", "pooling", "score_range")
    }


def test_pre_training_and_fine_tuning_share_the_length_alone(tmp_path):
    there = PretrainingSettings(objective="response_ranking", pooling="cls", max_seq_length=48, similarity="dot")
    trained = folder(tmp_path / "pretrained", there)
    run = ClassifierSettings(do_eval=True, output_dir=str(tmp_path / "new"), init_checkpoint=str(trained))
    assert changed(run, completed(run)) == {"max_seq_length": 48}
    run = PretrainingSettings(do_eval=True, output_dir=str(tmp_path / "new"), init_checkpoint=str(trained))
    assert changed(run, completed(run)) == {
        "objective": "response_ranking",
        "pooling": "cls",
        "max_seq_length": 48,
        "similarity": "dot",
    }


def test_a_processor_of_ones_own_is_named_by_the_command_alone(tmp_path):
    own = folder(tmp_path / "own", ClassifierSettings(task_name="mine", plugin=("my tasks.py",), max_seq_length=9))
    run = ClassifierSettings(do_predict=True, output_dir=str(own))
    with pytest.raises(InputError, match=r"own was trained with --task_name=mine, of a plugin; give --plugin='my"):
        completed(run)
    run = dataclasses.replace(run, task_name="tsv")
    assert changed(run, completed(run, "task_name")) == {"max_seq_length": 9}


def test_a_task_of_the_house_is_taken_over_where_the_objective_is_a_plugins(tmp_path):
    own = folder(tmp_path / "own", ClassifierSettings(task_name="tsv", plugin=("loss.py",), objective="my_loss"))
    run = ClassifierSettings(do_predict=True, output_dir=str(own), objective="sequence_classification")
    assert completed(run, "objective").task_name == "tsv"
    with pytest.raises(InputError, match="--objective=my_loss, of a plugin; give --plugin=loss.py, or --objective"):
        completed(run)


def test_the_script_of_another_problem_is_refused(tmp_path):
    answers = folder(tmp_path / "answers", SquadSettings())
    run = ClassifierSettings(do_predict=True, output_dir=str(tmp_path / "new"), init_checkpoint=str(answers))
    with pytest.raises(InputError, match="answers was trained for --objective=span_extraction; run_classifier.py"):
        completed(run)
    run = TaggerSettings(do_predict=True, output_dir=str(tmp_path / "new"), init_checkpoint=str(folder(tmp_path / "a")))
    with pytest.raises(InputError, match="run_tagger.py is for tags; use the script that trained it"):
        completed(run)


def test_run_classifier_goes_on_with_a_taggers_folder(tmp_path):
    """Tags are one of its problems, as a task beside others or alone."""
    tagger = folder(tmp_path / "tagger", TaggerSettings(task_name="conll", crf=True))
    run = ClassifierSettings(do_predict=True, output_dir=str(tmp_path / "new"), init_checkpoint=str(tagger))
    found = completed(run)
    assert (found.task_name, found.objective, found.crf) == ("conll", "token_classification", True)


def test_a_damaged_folder(tmp_path):
    own = folder(tmp_path / "own")
    path = own / "run_config.json"
    config = json.loads(path.read_text())
    config["settings"]["max_seq_length"] = "many"
    path.write_text(json.dumps(config))
    run = ClassifierSettings(do_predict=True, output_dir=str(own))
    with pytest.raises(InputError, match="max_seq_length is 'many', which no run writes; give --max_seq_length"):
        completed(run)
    path.write_text("{")
    with pytest.raises(InputError, match="run_config.json"):
        completed(run)


def test_several_tasks_are_those_of_the_training(tmp_path):
    named = folder(tmp_path / "named", ClassifierSettings(task_name="mrpc,rte", do_train=True))
    assert completed(ClassifierSettings(do_predict=True, output_dir=str(named))).task_name == "mrpc,rte"
    recipe = folder(tmp_path / "recipe", ClassifierSettings(tasks_file="x.ini", plugin=("p.py",), do_train=True))
    found = completed(ClassifierSettings(do_predict=True, output_dir=str(recipe)))
    assert (found.tasks_file, found.task_name) == ("x.ini", None)
    # Options that were given for all of them.
    for name, which in (("a", {"task_name": "tsv,mrpc"}), ("b", {"tasks_file": "x.ini"})):
        wide = folder(tmp_path / name, ClassifierSettings(label_column="2", has_header=False, do_train=True, **which))
        found = completed(ClassifierSettings(do_eval=True, output_dir=str(wide)))
        assert (found.label_column, found.has_header) == ("2", False)
        others = ClassifierSettings(do_eval=True, task_name="csv,rte", output_dir=str(wide))
        assert completed(others, "task_name").label_column is None
    # One of its tasks is used alone.
    one = ClassifierSettings(do_predict=True, task_name="rte", output_dir=str(tmp_path / "out"))
    one = dataclasses.replace(one, init_checkpoint=str(recipe))
    assert completed(one, "task_name").tasks_file is None
