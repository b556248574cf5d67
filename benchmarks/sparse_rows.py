"""A training step over a large table of words, of which it looks up a few rows: gradients of rows beside dense ones.

  python benchmarks/sparse_rows.py --optimizer=sgd,adagrad,lazy_adam,asgd

Both sides in turn. A dense step reads and writes the table, its gradient and its slots; how long the machine takes to
copy a table says how much of the time is not memory.
"""

import os
import statistics
import sys
import time

from absl import app, flags

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

FLAGS = flags.FLAGS
flags.DEFINE_integer("vocab_size", 200_000, "Rows of the table.")
flags.DEFINE_integer("width", 100, "Numbers in a row.")
flags.DEFINE_integer("ids", 512, "Tokens of a batch.")
flags.DEFINE_list("optimizer", "sgd,adagrad,lazy_adam,asgd", "Registered names.")
flags.DEFINE_integer("rounds", 9, "Calls of each side, in turn, after two that are thrown away.")
flags.DEFINE_integer("steps", 10, "Steps of a call, those of rows; of dense ones a tenth.")


def main(_):
    import tensorflow as tf

    from bertline import registry
    from bertline.modeling.encoders.static.static_vectors import StaticVectors, StaticVectorsConfig
    from bertline.training.optimizers.parameter_groups import ParameterGroup
    from bertline.training.steps.step import TrainStep

    def trainer(name, rows):
        """() -> seconds of one step, by the step that the scripts make."""
        encoder = StaticVectors(StaticVectorsConfig(FLAGS.vocab_size, FLAGS.width))
        objective = registry.get("objective", "sequence_classification")(encoder, 2)
        optimizer = registry.get("optimizer", name)(
            objective.named_weights(), lambda step: tf.constant(1e-3), [ParameterGroup(".", rows=rows)]
        )
        step = TrainStep(objective, optimizer, tf.Variable(0, dtype=tf.int64, trainable=False), seed=1)
        shape = [FLAGS.ids // 16, 16]

        def body(_):
            ids = tf.random.uniform(shape, 0, FLAGS.vocab_size, tf.int32)
            labels = tf.zeros(shape[:1], tf.int32)
            return step({"input_ids": ids, "input_mask": tf.ones_like(ids), "label_ids": labels})["loss"]

        count = FLAGS.steps if rows else max(1, FLAGS.steps // 10)
        run = tf.function(lambda: tf.reduce_sum([body(i) for i in range(count)]))

        def seconds():
            started = time.perf_counter()
            run().numpy()
            return (time.perf_counter() - started) / count

        return seconds

    table = tf.random.normal([FLAGS.vocab_size, FLAGS.width])
    copy = tf.function(lambda: tf.reduce_sum((table + 1.0)[-1]))

    def copying():
        started = time.perf_counter()
        copy().numpy()
        return time.perf_counter() - started

    print(f"{FLAGS.vocab_size:,} x {FLAGS.width}, {FLAGS.ids} ids a step, medians of {FLAGS.rounds}")
    for name in FLAGS.optimizer:
        sides = {"rows": trainer(name, True), "dense": trainer(name, False), "copy": copying}
        found = {side: [] for side in sides}
        for _ in range(FLAGS.rounds + 2):
            for side, seconds in sides.items():
                found[side].append(seconds())
        median = {side: statistics.median(values[2:]) * 1e3 for side, values in found.items()}
        print(
            f"{name:10s} rows {median['rows']:7.2f} ms  dense {median['dense']:7.2f} ms, "
            f"{median['dense'] / median['rows']:6.1f} times; one pass over the table {median['copy']:6.2f} ms, "
            f"dense takes {median['dense'] / median['copy']:4.1f} of them"
        )


if __name__ == "__main__":
    app.run(main)
