"""serve.py's flags: mistakes are told before anything heavy is imported."""

import math
import pathlib
import subprocess
import sys

import pytest

from bertline.errors import InputError
from bertline.settings.scripts.serve import TOKEN_VARIABLE, ServeSettings, check, read_token

ROOT = pathlib.Path(__file__).resolve().parents[3]


@pytest.mark.parametrize(
    "flags, message",
    [
        ({"init_checkpoint": None}, "--init_checkpoint is needed"),
        ({"dtype": "int8"}, "one of float32, bfloat16, float16"),
        ({"max_seq_length": 0}, "--max_seq_length=0: .* above 0"),
        ({"port": 70000}, "0 to 65535"),
        ({"max_batch_delay_ms": -1.0}, "0 or more"),
        ({"max_texts": 0}, "above 0"),
        ({"drain_seconds": 0.0}, "above 0"),
        ({"drain_seconds": math.inf}, "--drain_seconds=inf: .* above 0"),
        ({"body_seconds": math.nan}, "--body_seconds=nan: .* above 0"),
        ({"max_batch_delay_ms": math.nan}, "--max_batch_delay_ms=nan: 0 or more"),
        ({"max_batch_delay_ms": math.inf}, "--max_batch_delay_ms=inf: 0 or more"),
        ({"max_answer_numbers": 0}, "above 0"),
        ({"max_texts": 100, "max_queue_texts": 50}, "never be accepted"),
    ],
)
def test_mistakes(flags, message):
    with pytest.raises(InputError, match=message):
        check(ServeSettings(**{"init_checkpoint": "model", **flags}))


def test_what_is_missing_is_named(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(InputError, match="fastapi is not installed: pip install fastapi"):
        check(ServeSettings(init_checkpoint="model"))


def test_tokens(tmp_path, monkeypatch):
    monkeypatch.delenv(TOKEN_VARIABLE, raising=False)
    assert read_token(ServeSettings()) is None
    monkeypatch.setenv(TOKEN_VARIABLE, "from-the-environment")
    assert read_token(ServeSettings()) == "from-the-environment"
    file = tmp_path / "token"
    file.write_text("from-the-file\n", encoding="utf-8")
    assert read_token(ServeSettings(token_file=str(file))) == "from-the-file"
    for wrong in ("", "short", "has a blank in it", "two\nlines-of-it", "ünicode-token"):
        file.write_text(wrong, encoding="utf-8")
        with pytest.raises(InputError, match="a token is one line"):
            read_token(ServeSettings(token_file=str(file)))
    with pytest.raises(InputError, match="No such file"):
        read_token(ServeSettings(token_file=str(tmp_path / "nothing")))
    monkeypatch.setenv(TOKEN_VARIABLE, "")
    with pytest.raises(InputError, match="a token is one line"):
        read_token(ServeSettings())


@pytest.mark.parametrize(
    "flags, status, said",
    [
        (["--help"], 0, "--token_file"),
        (["--prot=1"], 2, "error: Unknown"),
        (["--port=1"], 2, "--init_checkpoint is needed"),
    ],
)
def test_neither_tensorflow_nor_fastapi_is_needed_to_say_so(flags, status, said):
    program = (
        "import runpy, sys; sys.modules.update(dict.fromkeys(['tensorflow', 'fastapi', 'uvicorn'])); "
        "sys.argv = sys.argv[1:]; runpy.run_path('serve.py', run_name='__main__')"
    )
    command = [sys.executable, "-c", program, "serve.py", *flags]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert ran.returncode == status and said in ran.stdout + ran.stderr, ran.stderr[-2000:]
    assert "Traceback" not in ran.stderr
