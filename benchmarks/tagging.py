"""Sentences per second of training and prediction of tags, beside transformers on torch, in turn.

  python benchmarks/tagging.py --data_dir=../shared/data/wnut17

What is measured, how, and the flags are those of benchmarks/finetune.py; the data are files that run_tagger.py reads,
and an example is a row: a sentence, or a part of a long one.
"""

import os
import sys

from absl import app, flags

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from benchmarks import finetune, tag_batches, worker

FLAGS = flags.FLAGS


def main(_):
    finetune.run(tag_batches.write_batches, worker.TAGGING_SIDES)


if __name__ == "__main__":
    FLAGS.set_default("task", "tags")
    FLAGS.set_default("data_dir", "../shared/data/wnut17")
    FLAGS.set_default("sides", list(worker.TAGGING_SIDES))
    app.run(main)
