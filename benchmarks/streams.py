"""Seconds of CPU that a step takes with one stream of batches and with several that share an encoder, in turn.

  python benchmarks/streams.py --init_checkpoint=models/minilm --num_streams=4

Every stream has the same batches and a head of the same size, so what differs is the switch between them.
"""

import os
import statistics
import sys
import tempfile
import time

from absl import app, flags

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

FLAGS = flags.FLAGS
flags.DEFINE_string("init_checkpoint", "models/minilm", "The model.")
flags.DEFINE_integer("num_streams", 4, "Streams of the run that is compared with one stream.")
flags.DEFINE_integer("steps", 40, "Steps of a measurement.")
flags.DEFINE_integer("rounds", 5, "Measurements of each.")
flags.DEFINE_integer("batch_size", 16, "Rows of a batch.")
flags.DEFINE_integer("length", 32, "Tokens of a row.")


def trainer(count, folder):
    """() -> seconds of CPU of a step, of a loop over so many streams whose graph is traced."""
    import tensorflow as tf

    from bertline import registry
    from bertline.training.steps.loop import LoopSettings, TrainingLoop
    from bertline.training.steps.step import TrainStep
    from bertline.weights.open_model import ModelSettings, open_model

    names = [f"task{i}" for i in range(count)]

    def make(encoder):
        head = registry.get("objective", "sequence_classification")
        return registry.get("objective", "multi_task")(encoder, {name: head(encoder, 2) for name in names})

    model = open_model(FLAGS.init_checkpoint).build(make, ModelSettings(), for_training=True)
    step = tf.Variable(0, dtype=tf.int64, trainable=False)
    optimizer = registry.get("optimizer", "adamw")(model.named_weights(), lambda step: tf.constant(1e-5))
    steps = {name: TrainStep(model.of_stream(name), optimizer, step, 1) for name in names}
    sampling = registry.get("task_sampling", "square_root")([1.0] * count, 1 << 30)
    data = {name: tf.data.Dataset.from_tensors(_batch()).repeat() for name in names}
    pace = LoopSettings(num_train_steps=1 << 30, batch_size=FLAGS.batch_size)
    loop = TrainingLoop(model, steps, data, folder, pace, lambda done: sampling.draw(done, 1))
    loop._call(1)

    def measure():
        started = time.process_time()
        loop._call(FLAGS.steps)
        return (time.process_time() - started) / FLAGS.steps

    return measure


def _batch():
    import numpy as np

    shape = (FLAGS.batch_size, FLAGS.length)
    return {
        "input_ids": np.random.default_rng(0).integers(1000, 20000, shape).astype(np.int32),
        "input_mask": np.ones(shape, np.int32),
        "segment_ids": np.zeros(shape, np.int32),
        "label_ids": np.arange(shape[0], dtype=np.int32) % 2,
        "example_index": np.arange(shape[0], dtype=np.int32),
    }


def main(_):
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as other:
        measures = {1: trainer(1, one), FLAGS.num_streams: trainer(FLAGS.num_streams, other)}
        found = {count: [] for count in measures}
        for _ in range(FLAGS.rounds):
            for count, measure in measures.items():
                found[count].append(measure())
    for count, seconds in found.items():
        shown = ", ".join(f"{1e3 * value:.1f}" for value in seconds)
        print(f"{count} stream(s): {1e3 * statistics.median(seconds):.1f} ms of CPU a step ({shown})")
    print(f"several / one: {statistics.median(b / a for a, b in zip(*found.values())):.3f}")


if __name__ == "__main__":
    app.run(main)
