"""The loss over a vocabulary, forward and backward: `vocabulary_softmax` beside TensorFlow's own operations.

  python benchmarks/vocabulary_softmax.py --dtype=bfloat16

Both sides in turn; the products alone, forward and two backward, say how much of the time is not arithmetic.
"""

import os
import statistics
import sys
import time

from absl import app, flags

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

FLAGS = flags.FLAGS
flags.DEFINE_integer("rows", 528, "Masked tokens of a batch.")
flags.DEFINE_integer("width", 384, "Of the hidden states.")
flags.DEFINE_integer("vocab_size", 30522, "Tokens.")
flags.DEFINE_string("dtype", "bfloat16", "float32 or bfloat16.")
flags.DEFINE_integer("rounds", 7, "Passes of each, in turn, after one that is thrown away.")


def main(_):
    import tensorflow as tf

    from bertline.modeling.layers import vocabulary_softmax

    dtype = tf.as_dtype(FLAGS.dtype)
    rows = tf.cast(tf.random.normal([FLAGS.rows, FLAGS.width]), dtype)
    table = tf.Variable(tf.random.normal([FLAGS.vocab_size, FLAGS.width], stddev=0.02))
    bias = tf.Variable(tf.zeros([FLAGS.vocab_size]))
    labels = tf.random.uniform([FLAGS.rows], 0, FLAGS.vocab_size, tf.int32)

    def plain(rows, table, bias, labels):
        logits = tf.cast(tf.matmul(rows, tf.cast(table, rows.dtype), transpose_b=True), tf.float32) + bias
        own = tf.gather(logits, labels, batch_dims=1)
        is_highest = tf.cast(own >= tf.reduce_max(logits, axis=1), tf.float32)
        return tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits), is_highest

    def trained(function):
        with tf.GradientTape() as tape:
            tape.watch(rows)
            losses, is_highest = function(rows, table, bias, labels)
            loss = tf.reduce_mean(losses)
        gradients = tape.gradient(loss, [rows, table, bias])
        return tf.add_n([tf.cast(tf.reduce_sum(g), tf.float32) for g in gradients]) + loss + tf.reduce_sum(is_highest)

    def products():
        words = tf.cast(table, dtype)
        logits = tf.matmul(rows, words, transpose_b=True)
        found = tf.matmul(logits, words), tf.matmul(logits, rows, transpose_a=True)
        return tf.add_n([tf.cast(tf.reduce_sum(x), tf.float32) for x in found])

    sides = {
        "ours": tf.function(lambda: trained(vocabulary_softmax.cross_entropy)),
        "TensorFlow's operations": tf.function(lambda: trained(plain)),
        "the products alone": tf.function(products),
    }
    seconds = {side: [] for side in sides}
    for _ in range(FLAGS.rounds + 1):
        for side, run in sides.items():
            started = time.perf_counter()
            run().numpy()
            seconds[side].append(time.perf_counter() - started)
    medians = {side: statistics.median(values[1:]) for side, values in seconds.items()}
    print(f"{FLAGS.rows} rows {FLAGS.width} wide, {FLAGS.vocab_size} tokens, {FLAGS.dtype}, medians of {FLAGS.rounds}")
    for side, median in medians.items():
        print(f"{side:24s} {median * 1e3:8.1f} ms  {median / medians['ours']:5.2f} x ours")


if __name__ == "__main__":
    app.run(main)
