"""Dev scores of transformers on torch, fine-tuned from the same weights on the same ids: what ours are compared with.

  python benchmarks/scores.py --task=MRPC --seeds=1,2,3 --data_dir=../shared/data/glue_mrpc

Our processor and tokenizer read the data, so that the training alone differs: AdamW with bias correction, weight decay
0.01 (not of biases and layer norms), linear warm-up over a tenth of the steps and linear decay, gradients clipped to a
norm of 1, dropout 0.1, random order, batches padded to their longest row. Metrics are those of run_classifier.py.
"""

import os
import statistics
import sys

import numpy as np
from absl import app, flags

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from benchmarks import score_flags, work
from bertline.training.scores import score

FLAGS = flags.FLAGS
flags.DEFINE_string("task", "MRPC", "A task of processors/tasks; classes or scores.")
flags.DEFINE_string("data_dir", "../shared/data/glue_mrpc", "The task's files.")
score_flags.define(max_seq_length=128, train_batch_size=32, learning_rate=5e-5)

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


def run_seed(rows, num_labels, problem_type, names, seed):
    """(rows per second of training, name -> metric of the dev split)."""
    import torch
    import transformers

    from benchmarks.peers import fine_tuning, huggingface

    transformers.set_seed(seed)
    model = transformers.BertForSequenceClassification.from_pretrained(
        FLAGS.model, num_labels=num_labels, problem_type=problem_type, dtype=torch.float32
    )

    def tensors(batch):
        return huggingface.tensors(padded(batch))

    rate = fine_tuning.fine_tune(model, rows["train"], tensors, seed, len(rows["train"]), FLAGS)
    model.eval()
    dev, logits = rows["dev"], []
    with torch.inference_mode(), huggingface.autocast(FLAGS.dtype):
        for start in range(0, len(dev), EVALUATION_BATCH):
            logits.append(model(**tensors(dev[start : start + EVALUATION_BATCH])).logits.float().numpy())
    gold = np.array([row["label_ids"] for row in dev])
    # The argmax of logits is that of probabilities; of scores nothing is asked but the score.
    return rate, score.compute(names, gold, np.concatenate(logits))


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
        rate, dev_scores = run_seed(rows, num_labels, problem_type, names, int(seed))
        found.append(dev_scores)
        scores = ", ".join(f"eval_{name} {value:.4f}" for name, value in dev_scores.items())
        print(f"seed {seed}: {scores}; {rate:.1f} examples/s", flush=True)
    for name in names:
        values = [scores[name] for scores in found]
        deviation = f" (deviation {statistics.stdev(values):.4f})" if len(values) > 1 else ""
        print(f"mean eval_{name} {statistics.mean(values):.4f}{deviation}")


if __name__ == "__main__":
    app.run(main)
