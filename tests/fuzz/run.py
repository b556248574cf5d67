"""Damages files in a fixed order and reads them: each is read rightly or answered in one line (`make fuzz`).

python tests/fuzz/run.py [--inputs=6000] [--seed=0] [--only=NAME]
"""

import collections
import contextlib
import logging
import os
import pathlib
import random
import signal
import sys
import tempfile
import time
import traceback

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")
HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parents[1]), str(HERE.parent), str(HERE)]

import mutations
import readers
from absl import app, flags

from bertline.errors import InputError
from bertline.serving.service.http.refusal import Refusal

flags.DEFINE_integer("inputs", 6000, "Damaged inputs in all.")
flags.DEFINE_integer("seed", 0, "Of the damage.")
flags.DEFINE_string("only", None, "A single kind of file.")
FLAGS = flags.FLAGS
SECONDS = 20  # for one input
LONGEST_MESSAGE = 3000


class Hang(Exception):
    """A reader did not answer in time."""


@contextlib.contextmanager
def limited():
    def stop(*_):
        raise Hang

    signal.signal(signal.SIGALRM, stop)
    signal.alarm(SECONDS)
    try:
        yield
    finally:
        signal.alarm(0)


def outcome(reader, raw):
    """("read" | "refused" | "wrong" | "hang" | "traceback", what to show)."""
    try:
        with limited():
            value = reader.read()
    except (InputError, Refusal) as error:
        said = str(getattr(error, "message", None) or error)
        good = said and "Traceback" not in said and len(said) < LONGEST_MESSAGE
        return ("refused", "") if good else ("wrong", f"message of {len(said)} characters: {said[:200]}")
    except Hang:
        return "hang", f"more than {SECONDS} s"
    except BaseException:
        return "traceback", traceback.format_exc(limit=-6)
    if reader.holds is not None and not reader.holds(raw, value):
        return "wrong", f"accepted, and read as {str(value)[:200]}"
    return "read", ""


def main(_):
    logging.getLogger().setLevel(logging.CRITICAL)
    started, totals, bad = time.monotonic(), collections.Counter(), 0
    with tempfile.TemporaryDirectory() as folder:
        found = [one for one in readers.all_readers(pathlib.Path(folder)) if FLAGS.only in (None, one.name)]
        share = -(-FLAGS.inputs // len(found))
        for reader in found:
            whole, counts = reader.path.read_bytes(), collections.Counter()
            kind, shown = outcome(reader, whole)
            assert kind == "read", f"the whole file of {reader.name!r}: {kind}: {shown}"
            draw = random.Random(f"{FLAGS.seed} {reader.name}")
            for number in range(share):
                raw = mutations.mutated(whole, draw)
                reader.path.write_bytes(raw)
                kind, shown = outcome(reader, raw)
                counts[kind] += 1
                if kind not in ("read", "refused"):
                    bad += 1
                    if counts[kind] <= 2:
                        print(f"--- {reader.name}, input {number}: {kind}\n{raw[:300]!r}\n{shown}", flush=True)
                if not reader.path.exists() or reader.path.read_bytes() != whole:
                    reader.path.write_bytes(whole)
            totals.update(counts)
            print(f"{reader.name:40} {dict(sorted(counts.items()))}", flush=True)
    seconds = time.monotonic() - started
    print(f"{totals.total()} damaged inputs of {len(found)} kinds in {seconds:.0f} s: {dict(sorted(totals.items()))}")
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    app.run(main)
