"""A side of a benchmark in a process of its own, kept alive, that measures when it is asked to.

torch and TensorFlow do not live in one process, and would fight for its threads. Requests and replies are lines of
JSON.
"""

import importlib
import json
import os
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

# side -> module and class; the class has what benchmarks/peers/__init__.py says.
SIDES = {
    "bertline": "bertline:Bertline",
    "bertline-padded": "bertline:Padded",
    "transformers": "huggingface:Transformers",
    "transformers-cast": "huggingface:CastTransformers",
    "keras-hub": "kerashub:KerasHub",
}
TAGGING_SIDES = {
    "bertline": "bertline_tagging:Tagging",
    "transformers": "huggingface_tagging:Tagging",
}
WINDOWS_SIDES = {
    "bertline": "bertline_windows:Windows",
    "transformers": "huggingface_windows:Windows",
    "transformers-padded": "huggingface_windows:PaddedWindows",
}
PRETRAINING_SIDES = {
    "bertline": "bertline_pretraining:Pretraining",
    "transformers": "huggingface_pretraining:AllPositions",
    "transformers-gathered": "huggingface_pretraining:MaskedPositions",
}
ENCODING_SIDES = {
    "bertline": "bertline_encoding:Sorted",
    "bertline-padded": "bertline_encoding:Padded",
    "sentence-transformers": "sentence_transformers_encoding:SentenceTransformers",
    "onnxruntime": "onnxruntime_encoding:OnnxRuntime",
    "openvino": "openvino_encoding:OpenVino",
}


def kind(side):
    """A key of the tables: another checkout is "bertline"."""
    return "bertline" if os.path.isdir(side) else side


def in_turn(workers, turn):
    """(side, Worker) in the order of a round: A B C, then C B A, since who comes first may be slower or faster."""
    sides = list(workers.items())
    return sides if turn % 2 else sides[::-1]


class Worker:
    """The asking end.

    Args:
      side: a key of `sides`, or the root of another checkout of this repository: "bertline", as it is there.
      batches: path of what `work.write_batches` or `corpus.write_batches` wrote, or of a JSON file of texts.
      model: folder of the weights.
      threads: how many it may compute with.
      sides: which of the tables.
    """

    def __init__(self, side, batches, model, threads, sides=None):
        self.side = side
        self._errors = tempfile.TemporaryFile("w+")
        names = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")
        # TensorFlow reads its variables before any Python; torch takes OMP_NUM_THREADS.
        environment = {**os.environ, **dict.fromkeys(names, str(threads)), "TF_CPP_MIN_LOG_LEVEL": "2"}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.worker", (sides or SIDES)[kind(side)], batches, model],
            cwd=side if os.path.isdir(side) else ROOT,
            env=environment,
            text=True,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
        )

    def ask(self, method, *args):
        """(result of the side's method, seconds that it took, seconds of all its threads).

        Raises:
          RuntimeError: the process ended; with the end of what it said.
        """
        try:
            print(json.dumps([method, args]), file=self._process.stdin, flush=True)
            line = self._process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            self._errors.seek(0)
            raise RuntimeError(f"{self.side} ended:\n{self._errors.read()[-3000:]}")
        return json.loads(line)

    def close(self):
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()
        self._errors.close()


def serve(place, batches, model):
    """The answering end; libraries that print to standard output do not get in between."""
    replies = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    from benchmarks.work import Batches, read_texts

    module, name = place.split(":")
    given = read_texts(batches) if batches.endswith(".json") else Batches(batches)
    measured = getattr(importlib.import_module(f"benchmarks.peers.{module}"), name)(given, model)
    for line in sys.stdin:
        method, args = json.loads(line)
        started, worked = time.perf_counter(), time.process_time()
        result = getattr(measured, method)(*args)
        seconds = time.perf_counter() - started, time.process_time() - worked
        print(json.dumps([result, *seconds]), file=replies, flush=True)


if __name__ == "__main__":
    serve(*sys.argv[1:])
