"""Test scores of run_tagger.py and of transformers on torch, fine-tuned from the same weights on the same rows.

  python benchmarks/tag_scores.py --data_dir=../shared/data/wnut17 --seeds=1,2,3 --num_train_epochs=3
  unzip -d /tmp ../shared/data/conll2000_chunking/conll2000.zip
  python benchmarks/tag_scores.py --data_dir=/tmp/conll2000 --seeds=1,2,3 --num_train_epochs=3

Ours is the command itself, whose output folders stay in --output_dir; what stands behind `--` are further flags of it,
as `-- --crf`. Theirs is a loop over the same ids: AdamW with bias correction, weight decay 0.01 (not of biases and
layer norms), linear warm-up over a tenth of the steps and linear decay, gradients clipped to a norm of 1, dropout 0.1,
random order, labels at first pieces. Both are scored on the test split by seqeval, as conlleval.pl counts.

With --bert_config_file and --vocab_file both begin with the same random weights: names in Chinese, from nothing.

  unzip -d /tmp/msra ../shared/data/msra_ner/peopledaily.zip && cp /tmp/msra/dev.txt /tmp/msra/test.txt
  python benchmarks/tag_scores.py --data_dir=/tmp/msra --bert_config_file=configs/models/bert_2x256_chinese.json \
    --vocab_file=../shared/data/bert_vocabs/google_zh_vocab.txt --train_batch_size=32 --learning_rate=5e-4 \
    --num_train_epochs=1 --dtype=bfloat16

What has no peer is a command of run_tagger.py alone: the BiLSTM, CNN and CRF of Ma & Hovy 2016 with GloVe's vectors:

  python run_tagger.py --data_dir=/tmp/conll2000 --bert_config_file=configs/models/bilstm_cnn_glove.json --crf \\
    --vocab_file=models/glove --optimizer=lazy_adam --learning_rate=5e-3 --train_batch_size=16 --max_grad_norm=5 \\
    --num_train_epochs=20 --do_train --do_predict --num_runs=3 --seed=1 --output_dir=output/chunking_bilstm_cnn

and names in Chinese by a BiLSTM of characters:

  unzip -d /tmp/msra ../shared/data/msra_ner/peopledaily.zip && cut -f1 -d' ' /tmp/msra/train.txt > /tmp/msra/text.txt
  python build_vocab.py --model_type=words --input_file=/tmp/msra/text.txt --output_file=output/msra_vocab/vocab.txt
  python run_tagger.py --data_dir=/tmp/msra --bert_config_file=configs/models/bilstm_characters.json --crf \\
    --vocab_file=output/msra_vocab --optimizer=lazy_adam --learning_rate=5e-3 --train_batch_size=32 \\
    --num_train_epochs=5 --max_seq_length=256 --do_train --do_eval --output_dir=output/msra
"""

import os
import shutil
import statistics
import subprocess
import sys
import time

import numpy as np
from absl import app, flags

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, ROOT)

from benchmarks import score_flags, tag_batches, work
from bertline.training.scores import score

FLAGS = flags.FLAGS
flags.DEFINE_string("data_dir", "../shared/data/wnut17", "Files that run_tagger.py reads: train, and test with tags.")
flags.DEFINE_string("bert_config_file", None, "Instead of --model: a BERT with random weights, the same on both sides.")
flags.DEFINE_string("vocab_file", None, "Of --bert_config_file.")
flags.DEFINE_list("sides", ["bertline", "transformers"], "What to train.")
score_flags.define(max_seq_length=128, train_batch_size=16, learning_rate=1e-4)
flags.DEFINE_string("output_dir", "output/tag_scores", "Where run_tagger.py's folders go, one for each seed.")

EVALUATION_BATCH = 64


def write_random_model(folder):
    """A Hugging Face folder of --bert_config_file, whose weights are as transformers initialises them."""
    import transformers

    transformers.set_seed(1)
    transformers.BertModel(transformers.BertConfig.from_json_file(FLAGS.bert_config_file)).save_pretrained(folder)
    shutil.copyfile(FLAGS.vocab_file, os.path.join(folder, "vocab.txt"))
    return folder


def ours(seed, data_dir, rest):
    """name -> score of a run of run_tagger.py."""
    folder = os.path.join(FLAGS.output_dir, f"seed-{seed}")
    command = [
        sys.executable,
        "run_tagger.py",
        f"--data_dir={data_dir}",
        f"--init_checkpoint={FLAGS.model}",
        "--do_train",
        "--do_predict",
        "--bias_correction",
        f"--seed={seed}",
        f"--output_dir={folder}",
        *score_flags.of_bertline(),
        *rest,
    ]
    done = subprocess.run(command, cwd=ROOT, stderr=subprocess.PIPE, text=True)
    if done.returncode:
        raise SystemExit(f"run_tagger.py ended with {done.returncode}: {done.stderr[-3000:]}")
    with open(os.path.join(ROOT, folder, "test_results.txt"), encoding="utf-8") as file:
        named = dict(line.rstrip("\n").split(" = ") for line in file)
    return {name.removeprefix("test_"): float(value) for name, value in named.items() if "f1" in name or "acc" in name}


def read_rows(data_dir, model, max_seq_length):
    """(split -> list of rows, names of the tags, names of the scores, right tags of the test sentences)."""
    processor, examples, encoder = tag_batches.tag_encoder(data_dir, model, max_seq_length)
    rows = {split: list(encoder.features(examples[split], 0)) for split in ("train", "test")}
    for row in rows["train"] + rows["test"]:
        row["input_mask"], row["word_mask"] = (np.ones_like(row[of]) for of in ("input_ids", "word_positions"))
    return rows, encoder.labels.names, tuple(processor.metrics), [list(one.label) for one in examples["test"]]


def tensors(rows):
    """What transformers reads of some rows."""
    from benchmarks.peers import huggingface_tagging

    return huggingface_tagging.tensors(
        tag_batches.padded([{name: row[name] for name in tag_batches.PADDING} for row in rows])
    )


def theirs(seed, rows, names):
    """Tags of each test sentence, list of str, by a model that transformers trained."""
    import torch
    import transformers

    from benchmarks.peers import fine_tuning

    transformers.set_seed(seed)
    model = transformers.BertForTokenClassification.from_pretrained(
        FLAGS.model, num_labels=len(names), dtype=torch.float32
    )
    fine_tuning.fine_tune(model, rows["train"], tensors, seed, len(rows["train"]), FLAGS)
    return predicted(model, rows["test"], names)


def predicted(model, rows, names):
    """Tags of the words of each sentence; its rows follow each other."""
    import torch

    from benchmarks.peers import huggingface

    model.eval()
    found = []
    with torch.inference_mode(), huggingface.autocast(FLAGS.dtype):
        for start in range(0, len(rows), EVALUATION_BATCH):
            part = rows[start : start + EVALUATION_BATCH]
            best = model(**tensors(part)).logits.argmax(dim=2).numpy()
            for row, ids in zip(part, best):
                tags = [names[i] for i in ids[row["word_positions"]]]
                if row.get("part", 0):
                    found[-1] += tags
                else:
                    found.append(tags)
    return found


def main(argv):
    if FLAGS.bert_config_file and not FLAGS.vocab_file:
        raise SystemExit("--bert_config_file needs --vocab_file")
    if FLAGS.bert_config_file:
        FLAGS.model = write_random_model(os.path.join(FLAGS.output_dir, "random"))
    FLAGS.model, data_dir = os.path.abspath(FLAGS.model or work.minilm_folder()), os.path.abspath(FLAGS.data_dir)
    rows, names, metrics, golds = work.in_own_process(read_rows, data_dir, FLAGS.model, FLAGS.max_seq_length)
    print(f"{FLAGS.data_dir}: {len(rows['train'])} rows to train, {len(golds)} sentences to test", flush=True)
    for side in FLAGS.sides:
        found = []
        for seed in map(int, FLAGS.seeds):
            started = time.perf_counter()
            if side == "bertline":
                scores = ours(seed, data_dir, argv[1:])
            else:
                scores = score.compute(metrics, golds, theirs(seed, rows, names))
            found.append(scores)
            shown = ", ".join(f"{name} {value:.4f}" for name, value in scores.items())
            print(f"{side}, seed {seed}: {shown}; {time.perf_counter() - started:.0f} s", flush=True)
        for name in metrics:
            values = [scores[name] for scores in found]
            deviation = f" (deviation {statistics.stdev(values):.4f})" if len(values) > 1 else ""
            print(f"{side}: mean {name} {statistics.mean(values):.4f}{deviation}", flush=True)


if __name__ == "__main__":
    app.run(main)
