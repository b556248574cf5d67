"""What a pre-trained checkpoint is worth on a task without splits: cross validation from it and from random weights.

  python benchmarks/cross_validation.py --init_checkpoint=output/novels-64-long --task_name=mr \
      --data_dir=../shared/data/mr --output_dir=output/mr-folds -- --max_seq_length=64 --learning_rate=3e-4

Both sides are run_classifier.py with the flags after `--`, in turn on each fold, on the same rows, with the same seed.
Each seed divides the rows anew. A fold that is in --output_dir already is not trained again.
"""

import json
import os
import statistics
import subprocess
import sys

from absl import app, flags

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, ROOT)

FLAGS = flags.FLAGS
flags.DEFINE_string("init_checkpoint", None, "An output folder of run_pretraining.py.", required=True)
flags.DEFINE_string("task_name", "mr", "A task of one text and classes; its training split is divided.")
flags.DEFINE_string("data_dir", "../shared/data/mr", "The task's files.")
flags.DEFINE_string("output_dir", None, "Where folds and runs are kept.", required=True)
flags.DEFINE_integer("folds", 5, "Parts, each of which is held out once.")
flags.DEFINE_list("seeds", ["1", "2", "3"], "Seeds, of the division and of the training.")

SIDES = ("pre-trained", "random weights")


def write_folds(task_name, data_dir, folder, num_folds, seeds):
    """Writes FOLDER/seed-S/fold-K/train.jsonl and dev.jsonl, the classes in equal shares."""
    from sklearn.model_selection import StratifiedKFold

    from bertline import registry

    examples = registry.get("processor", task_name)().get_train_examples(data_dir)
    rows = sorted((example.label, example.text_a) for example in examples)
    for seed in seeds:
        division = StratifiedKFold(num_folds, shuffle=True, random_state=seed)
        for number, parts in enumerate(division.split(rows, [label for label, _ in rows])):
            place = fold_folder(folder, seed, number)
            os.makedirs(place, exist_ok=True)
            for split, part in zip(("train", "dev"), parts):
                with open(os.path.join(place, f"{split}.jsonl"), "w", encoding="utf-8") as file:
                    file.writelines(json.dumps(dict(zip(("label", "text"), rows[i]))) + "\n" for i in part)


def fold_folder(folder, seed, number):
    return os.path.join(folder, f"seed-{seed}", f"fold-{number}")


def accuracy(side, place, seed, more):
    """Trains and evaluates on a fold, unless that was done before."""
    model = os.path.join(os.path.abspath(FLAGS.init_checkpoint), "model")
    output = os.path.join(place, side.replace(" ", "-"))
    start = [f"--bert_config_file={model}/config.json", f"--vocab_file={model}/vocab.txt"]
    if side == SIDES[0]:
        start.append(f"--init_checkpoint={model}")
    results = os.path.join(output, "eval_results.txt")
    if not os.path.exists(results):
        command = [
            sys.executable,
            os.path.join(ROOT, "run_classifier.py"),
            "--task_name=jsonl",
            f"--data_dir={place}",
            "--do_train",
            "--do_eval",
            f"--seed={seed}",
            f"--output_dir={output}",
            *start,
            *more,
        ]
        done = subprocess.run(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        if done.returncode:
            raise SystemExit(f"{' '.join(command)}\nended with {done.returncode}:\n{done.stderr[-2000:]}")
    with open(results, encoding="utf-8") as file:
        return float(dict(line.split(" = ") for line in file)["eval_accuracy"])


def mean_and_error(values):
    """'0.7600 +- 0.0030', the standard error of the mean."""
    return f"{statistics.mean(values):.4f} +- {statistics.stdev(values) / len(values) ** 0.5:.4f}"


def main(argv):
    seeds, folder = [int(seed) for seed in FLAGS.seeds], os.path.abspath(FLAGS.output_dir)
    write_folds(FLAGS.task_name, os.path.abspath(FLAGS.data_dir), folder, FLAGS.folds, seeds)
    means, gains = [], []
    for seed in seeds:
        found = []
        for number in range(FLAGS.folds):
            place = fold_folder(folder, seed, number)
            found.append([accuracy(side, place, seed, argv[1:]) for side in SIDES])
            scores = ", ".join(f"{side} {score:.4f}" for side, score in zip(SIDES, found[-1]))
            print(f"seed {seed}, fold {number}: {scores}", flush=True)
        means.append([statistics.mean(scores) for scores in zip(*found)])
        gains += [first - second for first, second in found]
    for side, scores in zip(SIDES, zip(*means)):
        each = ", ".join(f"{score:.4f}" for score in scores)
        print(f"{side}: {statistics.mean(scores):.4f}, by seed {each}")
    if len(gains) > 1:
        print(f"gain on the same rows, over {len(gains)} folds: {mean_and_error(gains)} (standard error)")


if __name__ == "__main__":
    app.run(main)
