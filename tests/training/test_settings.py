"""Settings as people give them: paths with ~ and variables, in every script and from Python."""

import dataclasses
import importlib
import pathlib
import pkgutil
import re

import pytest

import bertline.settings
from bertline.errors import InputError
from bertline.settings.base import PATH, PATHS, Settings
from bertline.settings.run import RunSettings
from bertline.settings.scripts.create_pretraining_data import PretrainingDataSettings
from bertline.settings.scripts.run_classifier import ClassifierSettings

MODULES = [found.name for found in pkgutil.walk_packages(bertline.settings.__path__, "bertline.settings.")]
# Flags that are called like a path, or speak of a file, and are none.
NO_PATHS = {"save_checkpoints_steps", "overwrite_output_dir", "delimiter", "encoding", "output_format"}


def all_settings():
    found = {
        value
        for module in map(importlib.import_module, MODULES)
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, Settings)
    }
    return sorted(found, key=lambda cls: cls.__name__)


def test_every_script_has_its_settings_here():
    scripts = [path for path in pathlib.Path(__file__).parents[2].glob("*.py") if "flags.define(" in path.read_text()]
    classes = [re.search(r"flags\.define\((?:\w+\.)*(\w+)\)", path.read_text())[1] for path in scripts]
    assert len(scripts) >= 11 and set(classes) <= {cls.__name__ for cls in all_settings()}


@pytest.mark.parametrize("cls", all_settings(), ids=lambda cls: cls.__name__)
def test_each_setting_that_is_called_like_a_path_is_one(cls, monkeypatch):
    monkeypatch.setenv("HOME", "/home/someone")
    for field in dataclasses.fields(cls):
        called = re.search(r"_(file|dir|root|records|checkpoint|texts|module)s?(?=_|$)", field.name)
        if called and field.name not in NO_PATHS and "str" in str(field.type):
            assert field.metadata["holds"], f"{cls.__name__}.{field.name}"
        if field.metadata["holds"]:
            assert getattr(cls(**{field.name: "~/a b"}), field.name) == "/home/someone/a b"
        if field.metadata["holds"] == PATHS:
            assert getattr(cls(**{field.name: "~/a,x=$HOME/*"}), field.name) == "/home/someone/a,x=/home/someone/*"
        if field.metadata["holds"] == PATH:
            assert getattr(cls(**{field.name: "~/a,~/b"}), field.name) == "/home/someone/a,~/b"


def test_paths_of_python(tmp_path, monkeypatch):
    monkeypatch.setenv("DATA", str(tmp_path))
    monkeypatch.delenv("NOT_SET", raising=False)
    found = dataclasses.replace(RunSettings(output_dir=tmp_path), init_checkpoint=pathlib.Path("$DATA") / "model")
    assert (found.output_dir, found.init_checkpoint) == (str(tmp_path), f"{tmp_path}/model")
    assert ClassifierSettings(allow_missing_weights="$DATA", task_name="~").allow_missing_weights == "$DATA"
    with pytest.raises(InputError, match=r"--input_file=\$NOT_SET/a: the environment variable NOT_SET is not set"):
        PretrainingDataSettings(input_file="$DATA/b,$NOT_SET/a")
