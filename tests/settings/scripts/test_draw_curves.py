"""What draw_curves.py takes: folders that are there, and a picture beside the first of them."""

import pytest

from bertline.errors import InputError
from bertline.settings.scripts import draw_curves


def settings(**given):
    return draw_curves.CurveSettings(**{name: str(value) for name, value in given.items()})


def test_the_picture_lies_in_the_first_folder(tmp_path):
    (tmp_path / "one").mkdir(), (tmp_path / "two").mkdir()
    run = settings(runs=f"{tmp_path}/one,{tmp_path}/two")
    draw_curves.check(run)
    assert draw_curves.folders(run) == [f"{tmp_path}/one", f"{tmp_path}/two"]
    assert run.target == f"{tmp_path}/one/curves.png"
    assert settings(runs=tmp_path, output_file=tmp_path / "x.png").target == f"{tmp_path}/x.png"


def test_bad_input(tmp_path):
    for given, message in (
        ({}, "--runs is needed: the output folder of a training script"),
        ({"runs": f"{tmp_path},{tmp_path}/absent"}, "absent: no such folder; give the --output_dir of a training"),
        ({"runs": tmp_path, "output_file": "x.pdf"}, "--output_file=x.pdf: a name that ends in .png is needed"),
    ):
        with pytest.raises(InputError, match=message):
            draw_curves.check(settings(**given))
