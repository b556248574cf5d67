"""What removing padding costs and saves: one pass of an encoder at growing shares of padding, removed and not.

  python benchmarks/unpadding.py

Where "removed / kept" falls below 1 is where modeling/speed/unpadding.py should begin to remove it (MINIMUM_PADDING
there).
"""

import os
import statistics
import sys
import time

from absl import app, flags

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

FLAGS = flags.FLAGS
flags.DEFINE_list("padding", ["0.02", "0.05", "0.08", "0.12", "0.2", "0.3", "0.5", "0.7"], "Shares of padding.")
flags.DEFINE_integer("batch_size", 32, "Rows.")
flags.DEFINE_integer("length", 128, "Slots of a row.")
flags.DEFINE_integer("layers", 6, "Layers of the encoder.")
flags.DEFINE_integer("width", 384, "Its width.")
flags.DEFINE_integer("heads", 12, "Its attention heads.")
flags.DEFINE_string("dtype", "float32", "float32 or bfloat16.")
flags.DEFINE_bool("training", True, "Forward and backward; otherwise forward alone.")
flags.DEFINE_integer("rounds", 7, "Passes of each, in turn, after one that is thrown away.")


def features(tf, share):
    """Rows of which all are equally full, so that the longest of a batch says nothing: int32 [B, T]."""
    real = round(FLAGS.length * (1.0 - share))
    shape = [FLAGS.batch_size, FLAGS.length]
    mask = tf.sequence_mask([real] * FLAGS.batch_size, FLAGS.length, tf.int32)
    ids = tf.random.stateless_uniform(shape, [1, 2], 0, 1000, tf.int32) * mask
    return {"input_ids": ids, "input_mask": mask, "segment_ids": tf.zeros(shape, tf.int32)}


def main(_):
    import tensorflow as tf

    from bertline.modeling.encoder import policy
    from bertline.modeling.encoders.transformers.bert import Bert, BertConfig
    from bertline.modeling.layers.dropout import DropoutKey
    from bertline.modeling.speed import unpadding
    from bertline.modeling.speed.switches import static_shapes

    unpadding.MINIMUM_PADDING = 0.0  # measure it also where it does not pay
    config = BertConfig(1000, FLAGS.width, FLAGS.layers, FLAGS.heads, 4 * FLAGS.width, type_vocab_size=2)

    def made(remove_padding):
        with static_shapes(not remove_padding):
            encoder = Bert(config, dtype=policy(FLAGS.dtype, FLAGS.training))
        encoder.build()
        weights = [v.value for v in encoder.trainable_variables]

        @tf.function(reduce_retracing=True)
        def step(batch, seed):
            if not FLAGS.training:
                return tf.reduce_sum(encoder(batch)["pooled_output"])
            with tf.GradientTape() as tape:
                loss = tf.reduce_sum(encoder(batch, dropout_key=DropoutKey(seed))["pooled_output"])
            return tf.add_n([tf.reduce_sum(g) for g in map(tf.convert_to_tensor, tape.gradient(loss, weights))])

        return step

    sides = {"removed": made(True), "kept": made(False)}
    print(
        f"{FLAGS.batch_size} x {FLAGS.length}, {FLAGS.layers} layers {FLAGS.width} wide, {FLAGS.dtype}, "
        f"{'forward and backward' if FLAGS.training else 'forward'}, medians of {FLAGS.rounds}"
    )
    print("padding  removed ms  kept ms  removed / kept")
    for share in map(float, FLAGS.padding):
        batch, seconds = features(tf, share), {side: [] for side in sides}
        for turn in range(FLAGS.rounds + 1):
            for side, step in sides.items():
                started = time.perf_counter()
                step(batch, tf.constant([1, turn])).numpy()
                seconds[side].append(time.perf_counter() - started)
        removed, kept = (statistics.median(values[1:]) for values in seconds.values())
        print(f"{share:7.0%} {removed * 1e3:11.1f} {kept * 1e3:8.1f} {removed / kept:15.2f}", flush=True)


if __name__ == "__main__":
    app.run(main)
