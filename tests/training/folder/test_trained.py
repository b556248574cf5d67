"""Evaluation and prediction alone: a folder is read as what it was trained as, or not at all."""

import dataclasses

import pytest
import small_models
from small_classifiers import COLOURS, classifier_folder

from bertline import registry
from bertline.errors import InputError
from bertline.settings.fine_tuning import FineTuningSettings
from bertline.settings.scripts.run_classifier import ClassifierSettings
from bertline.training.folder import run_folder
from bertline.training.folder.trained import load_trained
from bertline.weights.load_save import open_weights, save_huggingface

SINGLE, SEVERAL, SCORE = "single_label_classification", "multi_label_classification", "regression"


def classifier(folder, problem_type):
    """A new objective of the encoder that is in the folder."""
    config = registry.get("encoder", "bert").config_class.from_dict(open_weights(str(folder)).config)
    encoder = registry.get("encoder", "bert")(config)
    count = 1 if problem_type == SCORE else 3
    return registry.get("objective", "sequence_classification")(encoder, count, problem_type)


@pytest.mark.slow
@pytest.mark.parametrize("own", (True, False))
@pytest.mark.parametrize("there, here", ((SINGLE, SEVERAL), (SEVERAL, SINGLE), (SCORE, SINGLE), (SINGLE, SCORE)))
def test_a_model_of_another_problem_is_refused(tmp_path, there, here, own):
    (tmp_path / "out" / "model").mkdir(parents=True)
    count = 1 if there == SCORE else 3
    folder = classifier_folder(tmp_path / "out" / "model", there, count)
    names = [] if there == SCORE else list(COLOURS)
    output_dir = str(tmp_path / ("out" if own else "other"))
    initial, settings = open_weights(str(folder)), ClassifierSettings()
    load_trained(classifier(folder, there), vars(settings), output_dir, initial, names)
    with pytest.raises(InputError, match=f"model: trained for {there}, the task here is {here}; give --problem_type="):
        load_trained(classifier(folder, here), vars(settings), output_dir, initial, names if here != SCORE else [])


def similarity(**options):
    encoder = small_models.encoder(num_hidden_layers=1)
    return registry.get("objective", "similarity_regression")(encoder, **options)


TRAINED = ClassifierSettings(objective="similarity_regression", pooling="cls", score_range="0,5")


@pytest.fixture
def folder(tmp_path):
    """An output folder of similarity_regression."""
    save_huggingface(similarity(), tmp_path / "out" / "model")
    run_folder.write_run_config(tmp_path / "out", TRAINED)
    return tmp_path / "out"


@pytest.mark.parametrize("start", (None, "", "model", "model/model.safetensors"))
def test_settings_of_the_objective_are_those_of_the_training(folder, tmp_path, start):
    """From the output folder itself, and from its weights by each of their names."""

    def load(**changes):
        settings = dataclasses.replace(TRAINED, **changes)
        initial = None if start is None else open_weights(str(folder / start))
        return load_trained(similarity(), vars(settings), str(folder if start is None else tmp_path / "other"), initial)

    load(learning_rate=1.0, max_seq_length=7, class_weights="balanced", problem_type=SCORE)
    for change, message in (
        ({"pooling": "mean"}, "out: trained with --pooling=cls, here it is mean; give --pooling=cls"),
        ({"score_range": "0,1"}, "out: trained with --score_range=0,5, here it is 0,1; give --score_range=0,5"),
        ({"score_range": None}, "here it is None; give --score_range=0,5"),
    ):
        with pytest.raises(InputError, match=message):
            load(**change)
    other = {"objective": "sequence_classification"}
    if start is None:
        with pytest.raises(InputError, match="trained with --objective=similarity_regression, here it is sequence_c"):
            load(**other)
    else:  # an attempt with another objective: what it lacks would be said
        load(**other, pooling="mean")


def test_a_range_that_the_task_knew_itself_may_be_given(folder):
    run_folder.write_run_config(folder, dataclasses.replace(TRAINED, score_range=None))
    load_trained(similarity(), vars(TRAINED), str(folder), None)


def test_settings_without_an_objective_and_a_folder_without_a_run(folder):
    load_trained(similarity(), vars(FineTuningSettings()), str(folder), None)
    (folder / "run_config.json").unlink()
    load_trained(similarity(), vars(ClassifierSettings()), str(folder), None)


@pytest.mark.parametrize("config, expected", [({"global_step": 17}, 17), ({}, 0)])
def test_the_step_is_that_of_the_weights_wherever_they_lie(tmp_path, config, expected):
    save_huggingface(similarity(), tmp_path / "start", extra_config=config)
    initial = open_weights(str(tmp_path / "start"))
    assert load_trained(similarity(), vars(FineTuningSettings()), str(tmp_path / "new"), initial) == expected
    initial.path = "/somewhere/model.ckpt-343"
    assert load_trained(similarity(), vars(FineTuningSettings()), str(tmp_path / "new"), initial) == 343
