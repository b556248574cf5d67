"""One of the other benchmarks in two checkouts of this repository in turn, A B A B: the ratio of their medians.

  python benchmarks/before_after.py --before=../before --rounds=5 -- finetune.py --sides=bertline --steps=8

What stands behind `--` is a benchmark and its flags; each checkout runs its own, `--rounds` times, with one measurement
a time. A number that only one of them knows is left out. The bare matrix product is among the numbers where the
benchmark measures it, so that a ratio can be read beside what the machine did meanwhile.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile

from absl import app, flags

FLAGS = flags.FLAGS
flags.DEFINE_string("before", None, "Root of the other checkout.", required=True)
flags.DEFINE_integer("rounds", 5, "Runs of each.")

HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def main(argv):
    command, sides = argv[1:], {"before": os.path.abspath(FLAGS.before), "after": HERE}
    if not command:
        raise app.UsageError("a benchmark and its flags are needed behind --")
    found = {side: {} for side in sides}
    for turn in range(FLAGS.rounds):
        for side, root in sides.items():
            for key, value in measured(root, command).items():
                found[side].setdefault(key, []).append(value)
        print(f"round {turn + 1} of {FLAGS.rounds}", file=sys.stderr, flush=True)
    report(found["before"], found["after"])


def measured(root, command):
    """What a benchmark of a checkout measures: words that say what -> number."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "found.json")
        name, *rest = command
        done = subprocess.run(
            [sys.executable, os.path.join("benchmarks", name), *rest, "--rounds=1", f"--json={path}"],
            cwd=root,
            capture_output=True,
            text=True,
        )
        if done.returncode:
            raise SystemExit(f"{root}: {name} ended with {done.returncode}: {done.stderr[-2000:]}")
        with open(path, encoding="utf-8") as file:
            found = json.load(file)
    return dict(numbers(found["measurements"] if isinstance(found, dict) else found))


def numbers(found, words=()):
    """Yields (words, number): a list of numbers is one, its median, under the words that stand beside it."""
    if isinstance(found, dict):
        said = (*words, *(str(value) for value in found.values() if isinstance(value, (str, int))))
        for name, value in found.items():
            yield from numbers(value, (*said, name)) if isinstance(value, (dict, list)) else ()
    elif found and all(isinstance(value, (int, float)) for value in found):
        yield " ".join(words), statistics.median(found)
    else:
        # A list of words and what they are of, or of further ones.
        said = (*words, *(str(value) for value in _flat(found) if isinstance(value, (str, int))))
        for value in found:
            if isinstance(value, dict) or (isinstance(value, list) and not isinstance(value[0], str)):
                yield from numbers(value, said if any(isinstance(one, list) for one in found) else words)


def _flat(found):
    for value in found:
        yield from value if isinstance(value, list) and value and isinstance(value[0], str) else ()


def report(before, after):
    """A row for each number that both have."""
    width = max(map(len, before), default=0)
    print(f"{'':{width}}      before       after   after / before   (medians of {FLAGS.rounds}; range of after)")
    for key in before:
        if key in after:
            one, two = statistics.median(before[key]), statistics.median(after[key])
            print(
                f"{key:{width}}  {one:10.2f}  {two:10.2f}   {two / one:14.3f}   "
                f"({min(after[key]):.2f} to {max(after[key]):.2f})"
            )


if __name__ == "__main__":
    app.run(main)
