"""What is seen while texts are encoded: on a terminal, in a notebook, in a file, and by whom."""

import sys
import types

import pytest

import bertline.serving.encoder.text_encoder
import bertline.serving.prediction.progress
from bertline.common import progress

TEXTS = [f"{letter} b" * count for letter in "abcdef" for count in (1, 20, 40)]


@pytest.fixture
def notebook(monkeypatch):
    """Jupyter's sign, without the package that draws its bars."""
    shell = types.SimpleNamespace(kernel=object(), config={"IPKernelApp": {}})
    monkeypatch.setitem(sys.modules, "IPython", types.SimpleNamespace(get_ipython=lambda: shell))


@pytest.fixture
def terminal(monkeypatch, capsys):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)


@pytest.mark.parametrize("place", ["terminal", "notebook"])
def test_a_bar_where_there_is_somebody_to_see_it(place, request, capsys, predictor, monkeypatch, recwarn):
    request.getfixturevalue(place)
    predictor.predict(TEXTS, progress=True)
    assert f"{len(TEXTS)}/{len(TEXTS)}" in capsys.readouterr().err
    monkeypatch.setattr(bertline.serving.prediction.progress, "SECONDS_BEFORE_BAR", 60.0)
    predictor.embed(TEXTS)
    predictor.predict(TEXTS, progress=False)
    assert capsys.readouterr().err == "", "what is done at once needs no bar"
    monkeypatch.setattr(bertline.serving.prediction.progress, "SECONDS_BEFORE_BAR", 0.0)
    predictor.embed(iter(TEXTS))
    assert f"{len(TEXTS)} texts" in capsys.readouterr().err, "of how many is not known"
    assert not [warning for warning in recwarn if "tqdm" in str(warning.category).lower()]


def test_lines_where_nobody_looks_but_they_are_asked_for(capsys, predictor, monkeypatch):
    monkeypatch.setattr(progress, "SECONDS_BETWEEN_LINES", 0.0)
    predictor.embed(TEXTS)
    assert capsys.readouterr().err == ""
    predictor.embed(TEXTS, progress=True)
    lines = capsys.readouterr().err.splitlines()
    assert lines[-1].startswith(f"encoding {len(TEXTS)}/{len(TEXTS)}, ") and lines[-1].endswith(" texts/s")


def test_it_moves_with_every_batch_and_counts_texts_not_windows(tiny_folder, monkeypatch):
    monkeypatch.setattr(bertline.serving.encoder.text_encoder, "POOL_TEXTS", 8)
    encoder = bertline.serving.encoder.text_encoder.TextEncoder(
        tiny_folder(), max_seq_length=12, window_stride=5, batch_tokens=24
    )
    seen = []
    for unit in ("sentence", "word"):
        seen.clear()
        pools = list(encoder.stream(TEXTS, encoder.options(unit), seen.append))
        assert seen == sorted(seen) and seen[-1] == len(TEXTS) == sum(len(pool.cut) for pool in pools)
        assert len(set(seen)) > len(pools) == 3
