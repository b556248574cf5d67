"""`pip install .` gives one name, `bertline`, that works where no clone is; a clone works without an installation."""

import os
import pathlib
import shutil
import subprocess
import sys
import tomllib
import zipfile

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[1]
COMMANDS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["scripts"]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The files of the built wheel, unpacked, as an installation has them."""
    folder = tmp_path_factory.mktemp("wheel")
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True)
    if tracked.returncode:
        pytest.skip("no git checkout to build from")
    for name in tracked.stdout.splitlines():
        if not name.startswith(("tests/", "benchmarks/", "docs/")) and (ROOT / name).is_file():
            (folder / "source" / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / "source" / name)
    # What somebody left at the root, and what an earlier build left.
    for name in ("my_plugin.py", "my_tools/__init__.py", "build/lib/bertline/removed.py"):
        (folder / "source" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "source" / name).write_text("")
    build = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "-q", "-w", folder / "built"]
    subprocess.run([*build, folder / "source"], check=True)
    (built,) = (folder / "built").glob("*.whl")
    zipfile.ZipFile(built).extractall(folder / "installed")
    return folder / "installed"


def run(installed, *arguments):
    environment = {**os.environ, "PYTHONPATH": str(installed)}
    # -P: the folder that it is started in is searched by nobody.
    return subprocess.run(
        [sys.executable, "-P", *arguments], cwd=installed.parent, env=environment, capture_output=True, text=True
    )


def test_nothing_but_one_package(wheel):
    assert {path.name for path in wheel.iterdir() if not path.name.endswith(".dist-info")} == {"bertline"}
    others = {"setup.py", "bertline.py", "tests", "benchmarks", "samples", "my_plugin.py", "my_tools", "removed.py"}
    assert not others & {path.name for path in (wheel / "bertline").iterdir()}


def test_every_module_of_the_tree_is_in_it(wheel):
    tracked = subprocess.run(
        ["git", "ls-files", "*.py", "*.html"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    outside = ("tests/", "benchmarks/", "docs/", "samples/")
    expected = {n for n in tracked.stdout.splitlines() if not n.startswith(outside)} - {"setup.py", "bertline.py"}
    assert {p.relative_to(wheel / "bertline").as_posix() for p in (wheel / "bertline").rglob("*.*")} >= expected


def test_the_package_is_light_and_finds_its_own(wheel):
    program = """
import sys, bertline
from bertline import registry
assert "glue" not in sys.modules and "tensorflow" not in sys.modules
print(bertline.__file__, "mrpc" in registry.names("processor"), registry.get("processor", "mrpc").__module__)
"""
    ran = run(wheel, "-c", program)
    assert ran.stdout.split()[1:] == ["True", "bertline.processors.tasks.classification.glue"], ran.stderr
    assert ran.stdout.startswith(str(wheel))


def test_a_command_for_each_script():
    scripts = {path.stem for path in ROOT.glob("*.py") if "flags.run(main)" in path.read_text(encoding="utf-8")}
    assert COMMANDS == {f"bertline-{name.replace('_', '-')}": f"bertline.{name}:command" for name in scripts}


def test_a_command_runs(wheel):
    ran = run(wheel, "-c", "import sys; sys.argv[1:] = ['--help']; from bertline.run_tagger import command; command()")
    assert ran.returncode == 0 and ran.stdout.startswith("Learns a tag for each word"), ran.stderr
    assert "--task_name" in ran.stdout


def test_a_clone_needs_no_installation(tmp_path):
    """From the clone's folder and by a script's path from another one; the name of the folder does not matter."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    program = "import bertline, bertline.registry; print(bertline.registry.__file__)"
    there = subprocess.run([sys.executable, "-c", program], cwd=ROOT, env=environment, capture_output=True, text=True)
    assert there.stdout.strip() == str(ROOT / "registry.py"), there.stderr
    script = [sys.executable, ROOT / "run_classifier.py", "--help"]
    ran = subprocess.run(script, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert ran.returncode == 0 and "--task_name" in ran.stdout, ran.stderr
