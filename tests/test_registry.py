"""Names find classes; a wrong name is told the nearest one."""

import importlib
import pathlib
import subprocess
import sys

import pytest

from bertline import registry
from bertline.errors import InputError, report_errors
from bertline.settings import flags

ROOT = pathlib.Path(__file__).resolve().parents[1]


@pytest.fixture
def kinds(monkeypatch):
    """A kind of its own, so that nothing is left behind."""
    monkeypatch.setattr(registry, "_registered", {"fruit": {}})
    monkeypatch.setattr(registry, "_find_declarations", lambda kind: {})
    return "fruit"


def test_every_name_of_a_class_finds_it(kinds):
    @registry.register(kinds, "apple", "pomme")
    class Apple:
        pass

    assert registry.get(kinds, "apple") is registry.get(kinds, "pomme") is Apple
    assert registry.names(kinds) == ["apple", "pomme"]


def test_two_classes_of_one_name(kinds):
    @registry.register(kinds, "apple")
    class Apple:
        pass

    registry.register(kinds, "apple")(Apple)
    with pytest.raises(ValueError, match="fruit 'apple' is registered by"):
        registry.register(kinds, "apple")(type("Other", (), {}))


@pytest.mark.parametrize(
    "kind, name, message",
    [
        ("processor", "mrcp", "unknown processor 'mrcp'; did you mean 'mrpc'.*known: .*cola"),
        ("encoder", "brt", "unknown encoder 'brt'; did you mean 'bert'"),
        ("objective", "masked_ml", "did you mean 'masked_lm'"),
        ("objective", "zzz", r"unknown objective 'zzz'; known: .*masked_lm"),
    ],
)
def test_unknown_names(kind, name, message):
    with pytest.raises(InputError, match=message):
        registry.get(kind, name)


@pytest.mark.parametrize(
    "kind, expected",
    [
        ("processor", {"cola", "sst-2", "mrpc", "sts-b", "qqp", "mnli", "qnli", "rte", "wnli", "xnli", "sim"}),
        ("encoder", {"bert"}),
        ("objective", {"masked_lm", "sequence_classification"}),
    ],
)
def test_what_is_there(kind, expected):
    assert expected <= set(registry.names(kind))


def test_a_look_up_imports_the_file_that_it_asks_for_alone():
    program = """
import sys
from bertline import registry
assert "bert" in registry.names("encoder") and registry.options("optimizer")["sgd"]["momentum"].default == 0.0
assert registry.literals("weight_format", "file_name")["huggingface"] == "model.safetensors"
assert not {"tensorflow", "keras"} & set(sys.modules)
registry.get("processor", "cola")
tasks = (name for name in sys.modules if name.startswith("bertline.processors.tasks."))
print(sorted(name for name in tasks if not hasattr(sys.modules[name], "__path__")))
"""
    ran = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True)
    assert ran.stdout == "['bertline.processors.tasks.classification.glue']\n", ran.stdout + ran.stderr


@pytest.mark.parametrize(
    "kind, attribute",
    [
        *(("weight_format", attribute) for attribute in ("order", "file_name", "said_as")),
        ("tokenizer", "file_names"),
        ("objective", "architectures"),
    ],
)
def test_a_literal_that_is_read_is_the_attribute_that_is_imported(kind, attribute):
    imported = {name: getattr(registry.get(kind, name), attribute) for name in registry.names(kind)}
    assert registry.literals(kind, attribute) == {name: value for name, value in imported.items() if value is not None}


def test_reported_errors(capsys):
    with pytest.raises(SystemExit) as left, report_errors():
        raise InputError("train.tsv:17: 3 columns")
    assert left.value.code == 2 and capsys.readouterr().err == "error: train.tsv:17: 3 columns\n"
    with pytest.raises(ValueError, match="a bug"), report_errors():
        raise ValueError("a bug")


@pytest.mark.parametrize("script", ["build_vocab", "convert_checkpoint"])
def test_after_ctrl_c_no_checkpoint_is_promised_where_none_is_kept(script, monkeypatch, capsys):
    def interrupted(_):
        raise KeyboardInterrupt

    main = importlib.import_module(script).main
    monkeypatch.setattr(flags, "read", interrupted)
    with pytest.raises(SystemExit) as left:
        main([])
    said = capsys.readouterr().err
    assert left.value.code == 130 and "stopped by SIGINT" in said and "--overwrite" in said
