"""What the sources may name, beside the imports of test_imports.py: the rules of docs/architecture.md."""

import ast
import pathlib
import subprocess
import sys

import pytest

import registry

ROOT = pathlib.Path(__file__).resolve().parents[1]
SCRIPTS = sorted(path.name for path in ROOT.glob("*.py") if "__main__" in path.read_text(encoding="utf-8"))
TENSORFLOW = {"tensorflow", "keras", "tensorflow_text", "tensorflow_hub"}


def tree(path):
    return ast.parse((ROOT / path).read_text(encoding="utf-8"))


def sources(folder):
    return sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / folder).rglob("*.py"))


def strings(node, documentation=False):
    """String constants, docstrings left out."""
    skipped = {
        id(owner.body[0].value) for owner in ast.walk(node)
        if isinstance(owner, (ast.Module, ast.ClassDef, ast.FunctionDef)) and isinstance(owner.body[0], ast.Expr)
    }  # fmt: skip
    return {
        n.value
        for n in ast.walk(node)
        if isinstance(n, ast.Constant) and isinstance(n.value, str) and id(n) not in skipped
    }


def calls(node, name):
    """Calls of `name(...)` and `something.name(...)`."""
    return [n for n in ast.walk(node) if isinstance(n, ast.Call)
            and name in (getattr(n.func, "id", None), getattr(n.func, "attr", None))]  # fmt: skip


@pytest.mark.parametrize("path", sources("training"))
def test_training_names_no_task(path):
    assert strings(tree(path)).isdisjoint(registry.names("processor"))


@pytest.mark.parametrize(
    "path", [p for p in sources("training") + sources("processors") if "/weight_formats/" not in p] + SCRIPTS
)
def test_nothing_branches_on_a_registered_name(path):
    """No comparison with the name of a task, an encoder or an objective, outside its own file.

    Types of problems are no choice between implementations alone: tasks and configurations of others say them.
    """
    names = {name for kind in set(registry.PACKAGES) - {"labels"} for name in registry.names(kind)}
    compared = [part for node in ast.walk(tree(path)) if isinstance(node, (ast.Compare, ast.Match))
                for part in ast.walk(node.subject if isinstance(node, ast.Match) else node)]  # fmt: skip
    assert {n.value for n in compared if isinstance(n, ast.Constant) and isinstance(n.value, str)}.isdisjoint(names)


@pytest.mark.parametrize("path", sources("modeling"))
def test_modeling_reads_no_file_but_a_configuration(path):
    parsed = tree(path)
    readers = [n for n in ast.walk(parsed) if isinstance(n, ast.FunctionDef) and n.name == "from_json_file"]
    allowed = {id(call) for reader in readers for call in calls(reader, "open")}
    assert [call.lineno for call in calls(parsed, "open") if id(call) not in allowed] == []
    forbidden = ("GFile", "TFRecordDataset", "TextLineDataset", "read_text", "read_bytes", "loadtxt", "genfromtxt")
    assert [name for name in forbidden if calls(parsed, name)] == []


@pytest.mark.parametrize("script", SCRIPTS)
def test_a_script_holds_no_tensorflow(script):
    """Neither at its top nor through what it imports there: flags and wrong files are answered at once."""
    program = f"import sys, {script[:-3]}; print(sorted({TENSORFLOW!r} & set(sys.modules)))"
    ran = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True)
    assert ran.stdout == "[]\n", ran.stdout + ran.stderr


@pytest.mark.parametrize("script", SCRIPTS)
def test_a_script_computes_nothing(script):
    """No tf op, no layer, no loop over batches: a script is flags -> configuration -> names -> training."""
    imported = {
        alias.name.split(".")[0] for n in ast.walk(tree(script)) if isinstance(n, ast.Import) for alias in n.names
    }
    imported |= {n.module.split(".")[0] for n in ast.walk(tree(script)) if isinstance(n, ast.ImportFrom)}
    assert imported.isdisjoint(TENSORFLOW)


@pytest.mark.parametrize(
    "path", [p for folder in registry.PACKAGES for p in sources(registry.PACKAGES[folder].replace(".", "/"))]
)
def test_a_file_that_registers_is_found_by_its_registered_name(path):
    """An encoder's or an objective's file is named as the thing; processors and scores stand in families."""
    found = {arg.value for call in calls(tree(path), "register") for arg in call.args[1:]}
    if found and not path.startswith(("processors/", "training/scores/")):
        assert pathlib.Path(path).stem in found
