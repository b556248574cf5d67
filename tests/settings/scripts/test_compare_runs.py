"""What compare_runs.py takes: two folders or more that are there, each once."""

import pytest

from bertline.errors import InputError
from bertline.settings.scripts import compare_runs


def settings(**given):
    return compare_runs.ComparisonSettings(**given)


def test_the_page_lies_in_the_first_folder(tmp_path):
    (tmp_path / "one").mkdir(), (tmp_path / "two").mkdir()
    run = settings(runs=f"{tmp_path}/one/,{tmp_path}/two")
    compare_runs.check(run)
    assert compare_runs.folders(run) == [f"{tmp_path}/one", f"{tmp_path}/two"] and run.target == f"{tmp_path}/one"
    assert settings(runs="a,b", output_dir="c").target == "c"


def test_bad_input(tmp_path):
    two = f"{tmp_path},{tmp_path}/two"
    (tmp_path / "two").mkdir()
    for given, message in (
        ({}, "--runs is needed: two output folders or more"),
        ({"runs": str(tmp_path)}, "--runs is needed: two output folders or more"),
        ({"runs": f"{tmp_path},{tmp_path}/"}, "is there twice; leave one out"),
        ({"runs": f"{tmp_path},{tmp_path}/absent"}, "absent: no such folder; give the --output_dir of a training"),
        ({"runs": two, "num_resamples": 0}, "--num_resamples=0: a number above 0"),
        ({"runs": two, "confidence": 95.0}, "--confidence=95.0: a number between 0 and 1 is needed, as 0.95"),
        ({"runs": two, "seed": -1}, "--seed=-1: a number from 0 on"),
    ):
        with pytest.raises(InputError, match=message):
            compare_runs.check(settings(**given))
