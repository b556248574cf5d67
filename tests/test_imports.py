"""Who may import whom: docs/architecture.md, "Who may know what"."""

import ast
import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[1]


def imported(path):
    """Modules that a file names in import statements, those inside functions included."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module


@pytest.mark.parametrize(
    "package, forbidden",
    [
        ("processors", {"keras", "tf_keras", "modeling"}),
        ("modeling", {"processors", "training", "tf_keras"}),
        ("training", {"tf_keras"}),
    ],
)
def test_packages_keep_apart(package, forbidden):
    files = sorted((ROOT / package).rglob("*.py"))
    assert files
    wrong = [f"{path}: {name}" for path in files for name in imported(path) if name.split(".")[0] in forbidden]
    assert wrong == []


def test_training_names_no_task():
    registered = {"bertline.processors.tasks", "bertline.modeling.objectives", "bertline.modeling.encoders"}
    for path in sorted((ROOT / "training").rglob("*.py")):
        for name in imported(path):
            assert not any(name == one or name.startswith(one + ".") for one in registered), f"{path}: {name}"


def test_names_and_checks_of_files_need_no_tensorflow():
    """A script answers to wrong flags and files before it has paid for TensorFlow."""
    program = """
import sys
import bertline.processors.base
from bertline import errors, plugins, processors, registry
from bertline.settings import flags, search
from bertline.training.folder import run_folder
from bertline.settings.scripts import create_pretraining_data, extract_features
from bertline.settings.scripts import run_classifier, run_pretraining, run_squad, run_tagger
from bertline.settings.scripts import create_pretraining_data, extract_features
from bertline.settings.scripts import run_classifier, run_pretraining, run_squad, run_tagger
from bertline.settings.scripts import create_pretraining_data, extract_features
from bertline.settings.scripts import run_classifier, run_pretraining, run_squad, run_tagger
from bertline.settings.scripts import create_pretraining_data, extract_features
from bertline.settings.scripts import run_classifier, run_pretraining, run_squad, run_tagger
from bertline.settings.scripts import create_pretraining_data, extract_features
from bertline.settings.scripts import run_classifier, run_pretraining, run_squad, run_tagger
from bertline.settings.scripts import create_pretraining_data, extract_features
from bertline.settings.scripts import run_classifier, run_pretraining, run_squad, run_tagger
from bertline.settings.scripts import create_pretraining_data, extract_features
from bertline.settings.scripts import run_classifier, run_pretraining, run_squad, run_tagger
from bertline.settings.scripts import create_pretraining_data, extract_features
from bertline.settings.scripts import run_classifier, run_pretraining, run_squad, run_tagger
assert "mrpc" in registry.names("processor")
print(sorted({"tensorflow", "keras", "numpy"} & set(sys.modules)))
"""
    ran = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True)
    assert ran.stdout == "[]\n", ran.stdout + ran.stderr
