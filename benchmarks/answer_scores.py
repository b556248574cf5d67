"""Scores of run_squad.py and of transformers on torch, fine-tuned from the same weights on the same questions.

  python benchmarks/answer_scores.py --seeds=1,2,3

SQuAD 2: some articles to train, the last ones to test. Both sides have the same windows and the same way from logits to
answers, so that the training alone differs: AdamW with bias correction, weight decay 0.01 (not of biases and layer
norms), linear warm-up over a tenth of the steps and linear decay, gradients clipped to a norm of 1, dropout 0.1. Ours
is the command itself; what stands behind `--` are further flags of it. Theirs is benchmarks/peers/fine_tuning.py. No
threshold of no answer is fitted on the test questions: the F1 and exact match told are those of 0; "best" is the
highest that any threshold would give.
"""

import json
import os
import statistics
import subprocess
import sys

from absl import app, flags

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from benchmarks import score_flags, work
from benchmarks.peers import answering

FLAGS = flags.FLAGS
flags.DEFINE_string("data", "../shared/data/squad2_half_dev/dev-v2.0.json", "A file of SQuAD 2.")
flags.DEFINE_integer("train_articles", 12, "Articles to train on; the rest is tested.")
flags.DEFINE_list("sides", ["bertline", "transformers"], "Who is trained.")
score_flags.define(max_seq_length=384, train_batch_size=32, learning_rate=1e-4)
flags.DEFINE_string("output_dir", "output/answer_scores", "The two files of questions, and our runs.")

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
SHOWN = ("answer_f1", "exact_match", "has_answer_answer_f1", "no_answer_answer_f1", "best_f1", "best_exact")


def split_articles(path, count, folder):
    """Writes train.json and test.json; their paths."""
    with open(path, encoding="utf-8") as file:
        content = json.load(file)
    parts = {"train": content["data"][:count], "test": content["data"][count:]}
    os.makedirs(folder, exist_ok=True)
    for name, articles in parts.items():
        with open(os.path.join(folder, f"{name}.json"), "w", encoding="utf-8") as file:
            json.dump({"version": "v2.0", "data": articles}, file)
    return {name: os.path.join(folder, f"{name}.json") for name in parts}


def run_bertline(files, seed, rest):
    """name -> score, of run_squad.py."""
    folder = os.path.join(FLAGS.output_dir, f"seed-{seed}")
    command = [
        sys.executable,
        "run_squad.py",
        f"--init_checkpoint={FLAGS.model}",
        "--do_train",
        "--do_predict",
        "--version_2_with_negative",
        "--bias_correction",
        f"--train_file={files['train']}",
        f"--predict_file={files['test']}",
        f"--seed={seed}",
        f"--output_dir={os.path.abspath(folder)}",
        *score_flags.of_bertline(),
        *rest,
    ]
    subprocess.run(command, cwd=ROOT, check=True)
    with open(os.path.join(folder, "test_results.txt"), encoding="utf-8") as file:
        pairs = dict(line.rstrip().split(" = ") for line in file)
    return {name.removeprefix("test_"): float(value) for name, value in pairs.items()}


def make_layout(model, max_seq_length):
    from bertline.processors.layouts.base import get, make
    from bertline.processors.tokenization import load_tokenizer

    return make("questions", get("packed")(load_tokenizer(model), max_seq_length))


def read(path, leave_out=False):
    """The questions of a file as run_squad.py reads them."""
    from bertline.processors.answering.answer_places import place_answers
    from bertline.processors.answering.question_files import read_questions

    return place_answers(read_questions(path, has_unanswerable=True), path, leave_out=leave_out)


def read_rows(files, model, max_seq_length):
    """(number of training questions, rows to train on, lists of rows to answer, one list for each question)."""
    layout, train = make_layout(model, max_seq_length), read(files["train"], leave_out=True)
    rows = [answering.training_row(row) for rows in layout.features(train) for row in rows]
    tested = [list(map(answering.inputs, rows)) for rows in layout.features(read(files["test"]))]
    return len(train), rows, tested


def score_logits(outputs, path, model, max_seq_length):
    """name -> score, of the outputs of all windows of a file's questions."""
    from bertline.processors.answering.spans import AnswerRules
    from bertline.processors.labels.base import make_labels
    from bertline.training.scores import score

    questions, labels = read(path), make_labels("spans", rules=AnswerRules(has_unanswerable=True))
    answers = labels.answers(outputs, questions, make_layout(model, max_seq_length))
    return score.compute(("answer_f1",), labels.golds({}, questions), answers)


def run_transformers(files, seed, _):
    """name -> score, of transformers."""
    import torch
    import transformers

    from benchmarks.peers import fine_tuning, huggingface_answering

    def tensors(rows):
        return huggingface_answering.tensors(work.padded(rows))

    given = FLAGS.model, FLAGS.max_seq_length
    count, rows, tested = work.in_own_process(read_rows, files, *given)
    transformers.set_seed(seed)
    # With dropout this attention takes less time on a CPU than torch's scaled_dot_product_attention.
    model = transformers.BertForQuestionAnswering.from_pretrained(
        FLAGS.model, dtype=torch.float32, attn_implementation="eager"
    )
    fine_tuning.fine_tune(model, rows, tensors, seed, count, FLAGS)
    return work.in_own_process(score_logits, outputs(model, tested, tensors), files["test"], *given)


def outputs(model, tested, tensors):
    """What an evaluation gives of lists of rows."""
    import torch

    from benchmarks.peers import huggingface

    found = {"start_logits": [], "end_logits": [], "part": []}
    model.eval()
    for rows in tested:
        with torch.inference_mode(), huggingface.autocast(FLAGS.dtype):
            logits = model(**tensors(rows))
        for part, row in enumerate(rows):
            length = len(row["input_ids"])
            found["start_logits"].append(logits.start_logits[part, :length].float().numpy())
            found["end_logits"].append(logits.end_logits[part, :length].float().numpy())
            found["part"].append(part)
    return found


RUNS = {"bertline": run_bertline, "transformers": run_transformers}


def main(argv):
    FLAGS.model = os.path.abspath(FLAGS.model or work.minilm_folder())
    files = split_articles(FLAGS.data, FLAGS.train_articles, os.path.abspath(FLAGS.output_dir))
    found = {side: [] for side in FLAGS.sides}
    for seed in map(int, FLAGS.seeds):
        for side in FLAGS.sides:
            found[side].append(RUNS[side](files, seed, argv[1:]))
            shown = ", ".join(f"{name} {found[side][-1][name]:.2f}" for name in SHOWN)
            print(f"seed {seed}, {side}: {shown}", flush=True)
    for side, runs in found.items():
        for name in SHOWN:
            values = [one[name] for one in runs]
            deviation = f" (deviation {statistics.stdev(values):.2f})" if len(values) > 1 else ""
            print(f"{side}: mean {name} {statistics.mean(values):.2f}{deviation}")


if __name__ == "__main__":
    app.run(main)
