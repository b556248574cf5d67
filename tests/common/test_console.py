"""What libraries warn of: lines of ours, and nothing raw."""

import logging
import subprocess
import sys
import warnings

from running import ROOT

from bertline.common import console


def test_foreign_warnings_are_one_line_each(caplog, recwarn):
    with console.foreign_warnings():
        warnings.warn_explicit("odd\n  input", UserWarning, "/x/site-packages/sklearn/metrics.py", 3)
        warnings.warn_explicit("other", RuntimeWarning, "/home/me/own.py", 3)
    assert [record.getMessage() for record in caplog.records] == ["sklearn: odd input", "other"]
    assert all(record.levelno == logging.WARNING for record in caplog.records) and not recwarn.list


def test_all_of_them_in_a_script():
    program = """
import warnings
import numpy
from bertline.common import console
from absl import app
def main(_):
    console.start()
    numpy.log(numpy.zeros(1))
app.run(main)
"""
    ran = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True)
    assert ran.returncode == 0 and ran.stderr == "warning: divide by zero encountered in log\n", ran.stderr
