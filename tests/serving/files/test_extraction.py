"""extract() in one process: killed at any moment, resumed by another command, numbers that are none, odd old files."""

import gzip
import json
import os
import shutil

import h5py
import numpy as np
import pytest

from bertline.errors import InputError
from bertline.serving.encoder import text_encoder, vector_transform
from bertline.serving.files import extraction
from bertline.settings.scripts.extract_features import ExtractionSettings

TEXTS = ["a b", "c", "d e f g", "", "h i ||| j"]


@pytest.fixture
def extract(tiny, monkeypatch):
    """extract(output, texts, **settings) writes texts beside the output and extracts them, three in a pool."""
    monkeypatch.setattr(extraction, "TextEncoder", lambda *given, **named: tiny)
    monkeypatch.setattr(text_encoder, "POOL_TEXTS", 3)

    def run(output, texts=TEXTS, **settings):
        source = output.parent / "texts.txt"
        source.write_bytes(b"".join(t if isinstance(t, bytes) else f"{t}\n".encode() for t in texts))
        given = {"unit": "sentence", "layers": "-1", "init_checkpoint": tiny.folder.model, **settings}
        extraction.extract(ExtractionSettings(input_file=str(source), output_file=str(output), **given))
        source.unlink()

    return run


def test_a_prompt_is_part_of_what_the_file_was_made_with(extract, tiny, tmp_path):
    extract(tmp_path / "out.npz", prompt="x y ")
    found = np.load(tmp_path / "out.npz")["values"]
    prompted = [f"x y {text}" if "|||" not in text else ("x y h i", "j") for text in TEXTS]
    np.testing.assert_allclose(found, tiny.encode(prompted), atol=2e-6)
    with pytest.raises(InputError, match="prompt"):
        extract(tmp_path / "out.npz", append=True)


def has_finished(copy, name):
    state = copy / f"{name}.part" / "state.json"
    return state.exists() and json.loads(state.read_text())["progress"].get("finished")


def copies_before_each_step(job, folder, monkeypatch):
    """The folder as kill -9 leaves it before each time that the job moves, cuts or removes a file: list of copies."""
    copies = []

    def copied_before(function):
        def run(*given, **named):
            copies.append(folder.parent / f"copy{len(copies)}")
            shutil.copytree(folder, copies[-1])
            return function(*given, **named)

        return run

    with monkeypatch.context() as patched:
        for name in ("remove", "unlink", "rmdir", "replace", "truncate"):
            patched.setattr(os, name, copied_before(getattr(os, name)))
        job()
    return copies


@pytest.mark.parametrize("append", [False, True])
@pytest.mark.parametrize("name", ["out.jsonl", "out.npz"])
def test_killed_at_any_step_and_run_again(extract, tmp_path, monkeypatch, name, append):
    folder = tmp_path / "whole"
    folder.mkdir()
    extract(folder / name, ["an old file"])
    copies = copies_before_each_step(lambda: extract(folder / name, append=append), folder, monkeypatch)
    expected, ended = (folder / name).read_bytes(), []
    names = sorted([name] + [".out.jsonl.made.json"] * name.endswith("jsonl"))
    assert len(copies) > 10 and sorted(os.listdir(folder)) == names
    for copy in copies:
        part = copy / f"{name}.part"
        ended.append((copy / name).read_bytes() == expected and not (part / "state.json").exists())
        if ended[-1]:
            assert not part.exists() or set(os.listdir(part)) <= {"lock"}, "the state is the last that goes"
        else:
            extract(copy / name, append=append)
            assert (copy / name).read_bytes() == expected, copy
            assert sorted(os.listdir(copy)) == names
    assert 0 < sum(ended) < 5 and ended == sorted(ended)


@pytest.mark.parametrize(
    "texts, message", [(["other", *TEXTS[1:]], "lines are not those"), ([*TEXTS, "x"], "has more")]
)
def test_another_input_is_not_taken_for_that_of_a_finished_job(extract, tmp_path, monkeypatch, texts, message):
    folder = tmp_path / "whole"
    folder.mkdir()
    copies = copies_before_each_step(lambda: extract(folder / "out.npz"), folder, monkeypatch)
    finished = [copy for copy in copies if has_finished(copy, "out.npz")]
    assert len(finished) > 3
    for copy in finished:
        with pytest.raises(InputError, match=f"texts.txt: .*{message}.*remove that folder to start anew"):
            extract(copy / "out.npz", texts)


def test_a_file_that_is_gone_when_its_job_is_run_again(extract, tmp_path, monkeypatch):
    folder = tmp_path / "whole"
    folder.mkdir()
    copies = copies_before_each_step(lambda: extract(folder / "out.jsonl"), folder, monkeypatch)
    moved = [copy for copy in copies if has_finished(copy, "out.jsonl") and (copy / "out.jsonl").exists()]
    assert len(moved) > 3
    for copy in moved:
        (copy / "out.jsonl").unlink()
        with pytest.raises(InputError, match="out.jsonl: was written before and is gone; remove .*part to start anew"):
            extract(copy / "out.jsonl")


def test_another_format_does_not_go_on(extract, tmp_path, monkeypatch):
    monkeypatch.setattr(
        "bertline.processors.files.text_files._CHUNK_BYTES", 16
    )  # so that texts come before the one that fails
    with pytest.raises(InputError, match="is not utf-8"):
        extract(tmp_path / "out", [*TEXTS * 4, b"caf\xe9\n"], output_format="hdf5")
    with pytest.raises(InputError, match="begun with output_format 'hdf5', now it is 'jsonl'"):
        extract(tmp_path / "out", TEXTS * 4)
    extract(tmp_path / "out", TEXTS * 4, output_format="hdf5")
    assert os.listdir(tmp_path) == ["out"]


@pytest.mark.parametrize("name", ["out.jsonl", "out.jsonl.gz", "out.npz"])
def test_no_text_leaves_nothing_of_an_old_file(extract, tmp_path, name):
    extract(tmp_path / f"new_{name}", [])
    extract(tmp_path / name)
    old = (tmp_path / name).read_bytes()
    extract(tmp_path / name, [], append=True)
    assert (tmp_path / name).read_bytes() == old
    extract(tmp_path / name, [])
    assert (tmp_path / name).read_bytes() == (tmp_path / f"new_{name}").read_bytes() != old


@pytest.mark.parametrize("output", ["jsonl", "npz"])
@pytest.mark.parametrize(
    "number, settings, message",
    [
        (1e5, {"output_dtype": "float16"}, "too large for --output_dtype=float16; --output_dtype=float32"),
        (np.nan, {"output_dtype": "float16", "dtype": "float16"}, "--dtype=float16; --dtype=float32"),
        (-np.inf, {}, "NaN or infinity"),
    ],
)
def test_numbers_that_are_not_finite(extract, tiny, tmp_path, monkeypatch, output, number, settings, message):
    whole = tiny.stream

    def spoilt(texts, options):
        for pool, vectors in enumerate(whole(texts, options)):
            if pool == 1:  # the fifth text is its second
                vectors.values[vectors.offsets[1], -1, 3] = number
            yield vectors

    monkeypatch.setattr(tiny, "stream", spoilt)
    for unit in ("sentence", "token"):
        with pytest.raises(InputError, match=f"texts.txt:5: .*{message}"):
            extract(tmp_path / "out", unit=unit, layers="-1,0", output_format=output, **settings)
        assert not (tmp_path / "out").exists()
        shutil.rmtree(tmp_path / "out.part", ignore_errors=True)


def test_a_transform_of_another_width(extract, tiny, tmp_path):
    vectors = np.random.default_rng(0).normal(size=(20, 3))
    vector_transform.fit(
        "whitening", vectors, {**vector_transform.provenance(tiny, tiny.options()), "weights": "x"}
    ).save(tmp_path / "w.npz")
    with pytest.raises(InputError, match="w.npz: fitted on vectors of 3 numbers, here they have 16"):
        extract(tmp_path / "out.jsonl", transform=str(tmp_path / "w.npz"))
    assert sorted(os.listdir(tmp_path)) == ["texts.txt", "w.npz"]


KINDS = ("out.jsonl", "out.jsonl.gz", "out.hdf5", "out.npz")


@pytest.mark.slow
@pytest.mark.parametrize("unit", ("sentence", "token"))
@pytest.mark.parametrize("name", KINDS)
def test_append_goes_on_with_what_was_written_only(extract, tmp_path, name, unit):
    """Each byte of a digit, of an array or of what is packed counts."""
    extract(tmp_path / name, unit=unit)
    whole = (tmp_path / name).read_bytes()
    for place in np.random.default_rng(0).integers(len(whole), size=60):
        changed = bytearray(whole)
        changed[place] ^= 1
        (tmp_path / name).write_bytes(changed)
        before = contents(tmp_path)
        if name.endswith(("5", "z")) and intact(tmp_path / name, whole, tmp_path):
            continue  # a byte of no meaning: a name, a date, a gap
        with pytest.raises(InputError, match=rf"^[^\n]*{name}[^\n]*$"):
            extract(tmp_path / name, unit=unit, append=True)
        (tmp_path / "texts.txt").unlink()
        assert contents(tmp_path) == before, "nothing is changed, nothing is left"
    (tmp_path / name).write_bytes(whole)
    extract(tmp_path / name, unit=unit, append=True)
    assert (tmp_path / name).stat().st_size > len(whole)


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def intact(path, whole, folder):
    """Whether a file still gives the arrays, or the lines, of the whole one."""
    (folder / "whole").write_bytes(whole)
    try:
        return equal(folder / "whole", path)
    except Exception:  # by the library that reads it
        return False
    finally:
        (folder / "whole").unlink()


def equal(path, other):
    if other.suffix == ".gz":
        return gzip.decompress(path.read_bytes()) == gzip.decompress(other.read_bytes())
    if other.suffix == ".npz":
        with np.load(path) as one, np.load(other) as two:
            return all(np.array_equal(one[name], two[name]) for name in one.files)
    with h5py.File(path) as one, h5py.File(other) as two:
        same = all(np.array_equal(one[name][()], two[name][()]) for name in one)
        return same and dict(one.attrs) == dict(two.attrs)


@pytest.mark.parametrize(
    "line, message",
    [
        (b"{}", "out.jsonl:6: features and linex_index 5 are needed"),
        (b'{"linex_index": 4, "features": []}', "out.jsonl:6: features and linex_index 5 are needed"),
        (b'{"linex_index": 5, "features": [', "out.jsonl:6: not JSON"),
        (b"[" * 10**5, "out.jsonl:6: lists or objects are nested too deeply"),
    ],
)
def test_lines_of_others_are_looked_at_before_more_are_appended(extract, tmp_path, line, message):
    path = tmp_path / "out.jsonl"
    extract(path)
    (tmp_path / ".out.jsonl.made.json").unlink()  # as beside a file of the original
    before = path.read_bytes()
    path.write_bytes(before + line + b"\n")
    with pytest.raises(InputError, match=message):
        extract(path, append=True)
    path.write_bytes(before)
    extract(path, append=True)
    assert [json.loads(line)["linex_index"] for line in path.open()] == list(range(10))


@pytest.mark.parametrize("name", KINDS)
def test_append_with_other_settings(extract, tmp_path, name):
    extract(tmp_path / name)
    with pytest.raises(InputError, match=f"{name}: --append: it was made with other settings: normalize False there"):
        extract(tmp_path / name, normalize=True, append=True)


@pytest.mark.parametrize("made", (b"", b"{}", b'{"settings": [], "checksum": 1}', b"\xff"))
def test_a_checksum_file_that_is_damaged(extract, tmp_path, made):
    extract(tmp_path / "out.jsonl")
    (tmp_path / ".out.jsonl.made.json").write_bytes(made)
    with pytest.raises(InputError, match=r"\.out\.jsonl\.made\.json.*; remove it to append all the same"):
        extract(tmp_path / "out.jsonl", append=True)


@pytest.mark.parametrize(
    "state",
    [
        b"",
        b"[]",
        b'{"settings": {}}',
        b"\xff",
        b"[" * 10**5,
        {"sizes": []},
        {"sizes": {"lines": -1}},
        {"sizes": {"lines": "1"}},
        {"sizes": {"lines": True}},
        {"sizes": {"other": 1}},
        {"settings": None},
        {"progress": {}},
        {"progress": {"before": 0, "texts": "1", "cut": 0, "digest": ""}},
        {"progress": {"before": 0, "texts": 1, "cut": 0, "digest": None}},
    ],
)
def test_the_state_of_a_job_is_checked(extract, tiny, tmp_path, state, monkeypatch):
    path, stream = tmp_path / "out.jsonl.part" / "state.json", tiny.stream

    def interrupted(*given, **named):
        yield next(iter(stream(*given, **named)))
        raise KeyboardInterrupt

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(tiny, "stream", interrupted)
        extract(tmp_path / "out.jsonl", TEXTS * 4)
    if isinstance(state, dict):
        state = json.dumps({**json.loads(path.read_text()), **state}).encode()
    path.write_bytes(state)
    with pytest.raises(InputError, match=r"^[^\n]*out.jsonl.part[^\n]* remove [^\n]* to start anew$"):
        extract(tmp_path / "out.jsonl")


@pytest.mark.parametrize(
    "name, old",
    [
        ("out.jsonl.gz", b"plain\n"),
        ("out.jsonl.gz", b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03K"),
        ("out.npz", b""),
        ("out.npz", b"PK\x03\x04"),
        ("out.hdf5", b"x"),
        ("out.jsonl", b"half a l"),
    ],
)
def test_an_old_file_that_cannot_be_appended_to(extract, tmp_path, name, old):
    (tmp_path / name).write_bytes(old)
    with pytest.raises(InputError, match=f"{name}: .*--append"):
        extract(tmp_path / name, append=True)
    assert (tmp_path / name).read_bytes() == old
    assert sorted(os.listdir(tmp_path)) == [name, "texts.txt"], "nothing is left beside it"


def test_rows_of_a_table_are_texts(extract, tmp_path):
    """The vectors of a column are those of the same texts as lines; row 0 is the first after the header."""
    extract(tmp_path / "lines.npz", ["a b", "c", "h i ||| j"])
    table = ["text\tother\tlabel", "a b\t\tx", "c\t\tx", "h i\tj\ty"]
    extract(tmp_path / "column.npz", table, delimiter="\\t", text_a_column="text")
    extract(tmp_path / "pairs.npz", table, delimiter="\\t", text_a_column="text", text_b_column="other")
    lines, column, pairs = (np.load(tmp_path / f"{name}.npz") for name in ("lines", "column", "pairs"))
    assert column["lines"].tolist() == [0, 1, 2]
    assert np.array_equal(column["values"][:2], lines["values"][:2])
    assert np.array_equal(pairs["values"][2], lines["values"][2])
    assert not np.array_equal(column["values"][2], lines["values"][2])
