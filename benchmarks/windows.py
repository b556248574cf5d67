"""Documents per second of training and prediction by windows, beside transformers on torch, in turn.

  python benchmarks/windows.py --data_dir=../shared/data/movie_reviews_docs

What is measured, how, and the flags are those of benchmarks/finetune.py. An example is a document of at most 8 windows
of --max_seq_length tokens; its vector is the mean of theirs. The other side gets the same windows as rows of one batch,
padded to the longest, and takes the mean of the pooled outputs. "transformers" computes the windows that are there,
"transformers-padded" as many of each document as the longest of the batch has.
"""

import os
import sys

from absl import app, flags

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from benchmarks import finetune, window_batches, worker

FLAGS = flags.FLAGS


def main(_):
    finetune.run(window_batches.write_batches, worker.WINDOWS_SIDES)


if __name__ == "__main__":
    FLAGS.set_default("task", "movie-reviews")
    FLAGS.set_default("data_dir", "../shared/data/movie_reviews_docs")
    FLAGS.set_default("sides", list(worker.WINDOWS_SIDES))
    FLAGS.set_default("batch_size", 8)
    FLAGS.set_default("steps", 8)
    app.run(main)
