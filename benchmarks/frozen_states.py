"""A training step of a tagger beside a frozen part: its states kept from one pass, or computed at each step.

  python benchmarks/frozen_states.py --data_dir=samples/tags --config=configs/models/bilstm_glove_bert.json

All sides in turn, on the same batches; the third one has no such part. The pass costs once what is said before.
"""

import os
import statistics
import sys
import tempfile
import time

from absl import app, flags

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

FLAGS = flags.FLAGS
flags.DEFINE_string("data_dir", "samples/tags", "A folder of run_tagger.py.")
flags.DEFINE_string("config", "configs/models/bilstm_glove_bert.json", "A stacked with a frozen part.")
flags.DEFINE_string("without", "configs/models/bilstm_cnn_glove.json", "The same without it.")
flags.DEFINE_string("vocab", "models/glove", "The shared vocabulary.")
flags.DEFINE_integer("max_seq_length", 96, "Tokens of a row.")
flags.DEFINE_integer("batch_size", 16, "Sentences of a step.")
flags.DEFINE_integer("rounds", 7, "Calls of each side, in turn, after one that is thrown away.")
flags.DEFINE_integer("steps", 8, "Steps of a call.")


def main(_):
    import tensorflow as tf

    from bertline import registry
    from bertline.processors.labels.base import make_labels
    from bertline.processors.layouts import base as layouts
    from bertline.processors.records import batches, record_files
    from bertline.training.optimizers.lazy_adam import LazyAdam
    from bertline.training.steps.fixed_states import FixedStates
    from bertline.training.steps.step import TrainStep
    from bertline.weights.open_model import ModelSettings, open_model

    processor = registry.get("processor", "conll")()
    examples = processor.get_train_examples(FLAGS.data_dir)
    labels = make_labels("tags", processor.get_labels())

    def trainer(config, folder, keeps_states):
        """() -> seconds of one step, by the step that run_tagger.py makes."""
        source = open_model(bert_config_file=config, vocab_file=FLAGS.vocab)
        make = lambda encoder: registry.get("objective", "token_classification")(encoder, labels.num_labels, True)  # noqa: E731
        objective = source.build(make, ModelSettings(), for_training=True)
        source.load_into(objective)
        own = layouts.own_layout(source.config, source.tokenizer, FLAGS.max_seq_length)
        encoder = record_files.ExampleEncoder(layouts.make("words", own), labels)
        records = record_files.write_records(examples, encoder, folder, "train")
        states = FixedStates(objective.encoder, lambda: batches.evaluation_batches(records, 4096))
        optimizer = LazyAdam(objective.named_weights(), lambda step: tf.constant(1e-3))
        step = tf.Variable(0, dtype=tf.int64, trainable=False)
        run = TrainStep(objective, optimizer, step, seed=1, fixed_states=states if keeps_states else None)
        run, data = tf.function(run, reduce_retracing=True), iter(batches.train_batches(records, FLAGS.batch_size, 1))
        started = time.perf_counter()
        if keeps_states:
            states(next(data))
            print(f"states of {records.num_examples} sentences: {time.perf_counter() - started:.1f} s")

        def seconds():
            started = time.perf_counter()
            for _ in range(FLAGS.steps):
                run(next(data))["loss"].numpy()
            return (time.perf_counter() - started) / FLAGS.steps

        return seconds

    with tempfile.TemporaryDirectory() as folder:
        sides = {
            "kept": trainer(FLAGS.config, folder, True),
            "computed": trainer(FLAGS.config, folder, False),
            "without": trainer(FLAGS.without, folder, False),
        }
        found = {side: [] for side in sides}
        for _ in range(FLAGS.rounds + 1):
            for side, seconds in sides.items():
                found[side].append(seconds() * 1e3)
    for side, values in found.items():
        print(f"{side:10s} {statistics.median(values[1:]):7.1f} ms a step, {min(values[1:]):7.1f} at best")


if __name__ == "__main__":
    app.run(main)
