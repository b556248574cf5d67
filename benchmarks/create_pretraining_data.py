"""How fast text becomes instances, and in how much memory: create_pretraining_data.py, and the original's algorithm.

  python benchmarks/create_pretraining_data.py --input_file='../shared/data/novels_a/*.txt' \\
    --vocab_file=../shared/data/bert_vocabs/google_uncased_en_vocab.txt

Whole commands, in turn. Ours is counted from the command to its end; the original's from the moment that TensorFlow is
imported, on as many files as --original_bytes are reached with. In brackets: seconds of all processors, which say more
where the machine has other work. Memory is the sum over all processes of the command, pages that they share counted
once (PSS of /proc), at its peak; with --copies=2 the corpus is read twice.
"""

import glob
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time

from absl import app, flags

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
SECONDS_BETWEEN_LOOKS = 0.1

FLAGS = flags.FLAGS
flags.DEFINE_string("input_file", None, "Text files: a pattern.", required=True)
flags.DEFINE_string("vocab_file", None, "The vocabulary.", required=True)
flags.DEFINE_integer("dupe_factor", 1, "Of both.")
flags.DEFINE_integer("num_processes", 2, "Of ours.")
flags.DEFINE_list("flags", [], "Further flags of ours, without the dashes, as split_sentences,masking=span.")
flags.DEFINE_integer("copies", 1, "How many times ours reads the corpus, under other names.")
flags.DEFINE_integer(
    "original_bytes", 2_000_000, "The original reads the first files that have so many; 0: it does not run."
)
flags.DEFINE_integer("rounds", 3, "Runs of each.")


def measured(command):
    """Runs a command; returns (stdout, seconds, seconds of all processors, peak bytes)."""
    environment = {**os.environ, "PYTHONPATH": ROOT, "TF_CPP_MIN_LOG_LEVEL": "3"}
    started = time.perf_counter()
    with subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        peak, worked, ended = [0], {}, threading.Event()

        def look():
            while not ended.wait(SECONDS_BETWEEN_LOOKS):
                found = family(process.pid)
                peak[0] = max(peak[0], sum(map(proportional_bytes, found)))
                worked.update((pid, max(processor_seconds(pid), worked.get(pid, 0.0))) for pid in found)

        watcher = threading.Thread(target=look)
        watcher.start()
        output, errors = process.communicate()
        seconds = time.perf_counter() - started
        ended.set()
        watcher.join()
    if process.returncode:
        raise SystemExit(f"{' '.join(command)}\nended with {process.returncode}:\n{errors[-3000:]}")
    return output, seconds, sum(worked.values()), peak[0]


def family(pid):
    """The ids of a process and all that descend from it."""
    children = {}
    for path in glob.glob("/proc/[0-9]*/stat"):
        try:
            with open(path) as file:
                text = file.read()
        except OSError:
            continue  # ended meanwhile
        number, parent = int(path.split("/")[2]), int(text.rpartition(")")[2].split()[1])
        children.setdefault(parent, []).append(number)
    found = [pid]
    for one in found:
        found += children.get(one, [])
    return found


def proportional_bytes(pid):
    try:
        with open(f"/proc/{pid}/smaps_rollup") as file:
            return sum(1024 * int(line.split()[1]) for line in file if line.startswith("Pss:"))
    except OSError:
        return 0


def processor_seconds(pid):
    try:
        with open(f"/proc/{pid}/stat") as file:
            return sum(map(int, file.read().rpartition(")")[2].split()[11:13])) / os.sysconf("SC_CLK_TCK")
    except OSError:
        return 0.0


def main(_):
    files = sorted(glob.glob(FLAGS.input_file))
    if not files:
        raise SystemExit(f"no file matches {FLAGS.input_file}")
    size = sum(map(os.path.getsize, files)) * FLAGS.copies
    few = next(
        (
            files[: i + 1]
            for i in range(len(files))
            if sum(map(os.path.getsize, files[: i + 1])) >= FLAGS.original_bytes
        ),
        files,
    )
    few_size = sum(map(os.path.getsize, few))
    vocab_file = os.path.abspath(FLAGS.vocab_file)
    rates = {"bertline": [], "original": []}
    with tempfile.TemporaryDirectory() as folder:
        for copy in range(FLAGS.copies):
            for path in files:
                os.symlink(os.path.abspath(path), os.path.join(folder, f"{copy}-{os.path.basename(path)}"))
        ours = [
            sys.executable,
            "create_pretraining_data.py",
            f"--input_file={folder}/*.txt",
            f"--vocab_file={vocab_file}",
            f"--output_file={folder}/ours.tfrecord",
            f"--dupe_factor={FLAGS.dupe_factor}",
            "--overwrite",
            f"--num_processes={FLAGS.num_processes}",
            *(f"--{flag}" for flag in FLAGS.flags),
        ]
        original = [
            sys.executable,
            "-m",
            "benchmarks.peers.original_instances",
            vocab_file,
            f"{folder}/original.tfrecord",
            str(FLAGS.dupe_factor),
            *map(os.path.abspath, few),
        ]
        for _ in range(FLAGS.rounds):
            _, seconds, worked, peak = measured(ours)
            rates["bertline"].append(size / seconds / 1e6)
            print(
                f"bertline: {size / 1e6:6.1f} MB in {seconds:6.2f} s ({worked:.2f}): "
                f"{rates['bertline'][-1]:6.2f} MB/s, peak {peak / 1e6:.0f} MB",
                flush=True,
            )
            if FLAGS.original_bytes:
                output, _, _, peak = measured(original)
                instances, seconds, worked = output.split()
                seconds, worked = float(seconds), float(worked)
                rates["original"].append(few_size / seconds / 1e6)
                print(
                    f"original: {few_size / 1e6:6.1f} MB in {seconds:6.2f} s ({worked:.2f}): "
                    f"{rates['original'][-1]:6.3f} MB/s, peak {peak / 1e6:.0f} MB ({instances} instances)",
                    flush=True,
                )
    if rates["original"]:
        ours, original = (statistics.median(values) for values in rates.values())
        print(f"medians: {ours:.2f} and {original:.3f} MB/s, {ours / original:.0f} times")


if __name__ == "__main__":
    app.run(main)
