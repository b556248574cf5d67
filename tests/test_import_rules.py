"""What the sources may name, beside the imports of test_imports.py: the rules of docs/architecture.md."""

import ast
import pathlib
import subprocess
import sys

import pytest

from bertline import registry

ROOT = pathlib.Path(__file__).resolve().parents[1]
SCRIPTS = sorted(path.name for path in ROOT.glob("*.py") if "__main__" in path.read_text(encoding="utf-8"))
TENSORFLOW = {"tensorflow", "keras", "tensorflow_text", "tensorflow_hub"}


def tree(path):
    return ast.parse((ROOT / path).read_text(encoding="utf-8"))


def sources(folder):
    found = sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / folder).rglob("*.py"))
    assert found, f"no sources in {folder}: a test of them would test nothing"
    return found


def strings(node, documentation=False):
    """String constants, docstrings left out."""
    skipped = {
        id(owner.body[0].value)
        for owner in ast.walk(node)
        if isinstance(owner, (ast.Module, ast.ClassDef, ast.FunctionDef))
        and isinstance(next(iter(owner.body), None), ast.Expr)
    }
    return {
        n.value
        for n in ast.walk(node)
        if isinstance(n, ast.Constant) and isinstance(n.value, str) and id(n) not in skipped
    }


def calls(node, name):
    """Calls of `name(...)` and `something.name(...)`."""
    return [
        n
        for n in ast.walk(node)
        if isinstance(n, ast.Call) and name in (getattr(n.func, "id", None), getattr(n.func, "attr", None))
    ]


@pytest.mark.parametrize("path", sources("training"))
def test_training_names_no_task(path):
    """A type of problems may have the name of a task, as ranking."""
    assert strings(tree(path)).isdisjoint({*registry.names("processor")} - {*registry.names("labels")})


# What code calls the choice between the implementations of a kind. Types of problems (labels) are none: tasks and
# configurations of others say them.
CALLED = {
    "processor": {"processor", "task", "task_name"},
    "encoder": {"encoder", "model_type"},
    "objective": {"objective"},
    "loss": {"loss"},
    "term": {"term", "terms"},
    "corpus": {"corpus", "instances"},
    "optimizer": {"optimizer"},
    "learning_rate_schedule": {"learning_rate_schedule", "schedule"},
    "task_sampling": {"task_sampling", "sampling"},
    "tokenizer": {"tokenizer"},
    "weight_format": {"format", "weight_format"},
    "layout": {"layout"},
    "score": {"metric", "score"},
}
NAMELESS = ("common", "vector_evaluation", "facade", "processors", "serving", "settings", "training")
CALLED_ANYHOW = {"config", "kind", "name", "run", "self", "settings"}


def words(node):
    """What an expression says: names, attributes and strings, as {"config", "get", "model_type"}."""
    said = [getattr(n, "id", getattr(n, "attr", getattr(n, "value", None))) for n in ast.walk(node)]
    return {word for word in said if isinstance(word, str)}


def folder_of(kind):
    """Where the files of a kind are, as "modeling/encoders"."""
    return registry.PACKAGES[kind].removeprefix("bertline.").replace(".", "/")


def branches(path, parsed):
    """Comparisons with a name of the kind that they are about; `name` alone may be of any kind of the file's folder."""
    at_home = [kind for kind in registry.PACKAGES if path.startswith(folder_of(kind) + "/")]
    found = []
    for node in ast.walk(parsed):
        if isinstance(node, (ast.Compare, ast.Match)):
            said = words(node.subject if isinstance(node, ast.Match) else node)
            strings_in = strings(node)
            kinds = [kind for kind, called in CALLED.items() if said & called]
            # In serving/, formats of vectors have names too.
            if said - strings_in <= CALLED_ANYHOW and not path.startswith("serving/"):
                kinds += [kind for kind in at_home or CALLED if kind in CALLED]
            found += [ast.unparse(node) for kind in kinds if strings_in & set(registry.names(kind))]
    return found


def test_all_kinds_are_called_something():
    assert set(CALLED) == set(registry.PACKAGES) - {"labels"}


@pytest.mark.parametrize("path", [p for folder in NAMELESS for p in sources(folder)] + SCRIPTS)
def test_nothing_branches_on_a_registered_name(path):
    """No comparison with the name of a task, an encoder or an objective; formats of weights know each other."""
    assert branches(path, tree(path)) == []


@pytest.mark.parametrize(
    "code, is_branch",
    [
        ('settings.objective == "masked_lm"', True),
        ('config.get("model_type") in ("bert", "bilstm")', True),
        ('name != "masked_lm"', True),
        ('masking.kind == "masked_lm"', False),  # a masking may have the name of an objective
        ('encoder.layout == "packed"', True),
        ('similarity == "cosine"', False),
    ],
)
def test_a_branch_is_known_by_what_is_compared(code, is_branch):
    assert bool(branches("training/jobs/job.py", ast.parse(code))) == is_branch


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


@pytest.mark.parametrize("path", [p for kind in registry.PACKAGES for p in sources(folder_of(kind))])
def test_a_file_that_registers_is_found_by_its_registered_name(path):
    """An encoder's or an objective's file is named as the thing; processors and scores stand in families."""
    found = {arg.value for call in calls(tree(path), "register") for arg in call.args[1:]}
    if found and not path.startswith(("processors/", "training/scores/")):
        assert pathlib.Path(path).stem in found
