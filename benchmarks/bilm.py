"""A bidirectional language model's layers: training, and vectors of real sentences, beside the same network in torch.

  python benchmarks/bilm.py --dtype=float32
  python benchmarks/bilm.py --units=256 --projection_size=64 --lanes=8 --rounds=3 --parts=training

Both sides in turn, with the same threads, weights of the same sizes and no clips, which nn.LSTM has not. Training:
forward and backward through two directions of projected LSTMs over vectors of words; a bare product at the same shapes
says how much of the time cannot be saved. Vectors: from characters to the top layer; torch gets the sentences in the
same batches. Vocabulary: a training step with its sampled softmax, for several sizes.
"""

import os
import statistics
import sys
import time

from absl import app, flags

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.modules.setdefault("triton", None)  # brings an LLVM as TensorFlow does, which ends the process

FLAGS = flags.FLAGS
flags.DEFINE_integer("units", 4096, "Of a layer in one direction.")
flags.DEFINE_integer("projection_size", 512, "Numbers of a projection.")
flags.DEFINE_integer("lanes", 64, "Rows of a batch of training.")
flags.DEFINE_integer("steps", 20, "Words of a row.")
flags.DEFINE_string("dtype", "float32", "float32 or bfloat16.")
flags.DEFINE_integer("rounds", 7, "Calls of each side, in turn, after two that are thrown away.")
flags.DEFINE_integer("sentences", 128, "Lines of --text that are embedded.")
flags.DEFINE_integer("batch_size", 64, "Of sentences; 64 is the default of AllenNLP's command `elmo`.")
flags.DEFINE_string("text", "samples/corpus/*.txt", "Lines to embed.")
flags.DEFINE_list("parts", "training,vectors,vocabulary", "What is measured.")
flags.DEFINE_list("vocab_sizes", "10000,100000,800000", "Of the part vocabulary.")
flags.DEFINE_integer("threads", 0, "Of each side; 0: as many as there are cores.")


def main(_):
    import tensorflow as tf
    import torch

    threads = FLAGS.threads or len(os.sched_getaffinity(0))
    torch.set_num_threads(threads)
    tf.config.threading.set_intra_op_parallelism_threads(threads)
    print(f"{FLAGS.units} units, projected to {FLAGS.projection_size}, {FLAGS.dtype}, {threads} threads")
    for part in FLAGS.parts:
        {"training": training, "vectors": vectors, "vocabulary": vocabulary}[part]()


def encoder(for_training=True, **changes):
    from bertline.modeling.encoder import policy
    from bertline.modeling.encoders.recurrent.elmo import Elmo, ElmoConfig

    sizes = {"units": FLAGS.units, "projection_size": FLAGS.projection_size, "cell_clip": None, "projection_clip": None}
    made = Elmo(ElmoConfig(**{**sizes, **changes}), dtype=policy(FLAGS.dtype, for_training=for_training))
    made.build()
    return made


def training():
    import tensorflow as tf

    ours, shape = encoder(), [FLAGS.lanes, FLAGS.steps, FLAGS.projection_size]
    weights = [variable.value for lstms in ours.lstms for lstm in lstms for variable in lstm.variables]
    inputs, real = tf.random.normal(shape), tf.ones(shape[:2], tf.bool)

    @tf.function
    def step():
        with tf.GradientTape() as tape:
            rows = tf.cast(inputs, ours.compute_dtype)
            layers, _ = ours.read_both_ways((rows, rows), (real, real))
            loss = tf.add_n([tf.reduce_mean(tf.square(tf.cast(one, tf.float32))) for one in layers[-1]])
        return tf.add_n([tf.reduce_sum(gradient[:1]) for gradient in tape.gradient(loss, weights)])

    sides = {"bertline": lambda: step().numpy(), "torch": torch_training(), "products": bare_products()}
    report("training", in_turn(sides), FLAGS.lanes * FLAGS.steps)


def bare_products():
    """() of all products of a step and nothing else, both directions: three times those of the forward pass."""
    import tensorflow as tf

    dtype, units, size = tf.as_dtype(FLAGS.dtype), FLAGS.units, FLAGS.projection_size
    rows = FLAGS.lanes * FLAGS.steps

    def normal(*shape):
        return tf.cast(tf.random.normal(shape), dtype)

    inputs, kernel, projection = normal(rows, size), normal(size, 4 * units), normal(units, size)
    all_sums, all_outputs = normal(rows, 4 * units), normal(rows, units)
    shape = [FLAGS.steps, FLAGS.lanes, -1]
    steps = [tf.unstack(tf.reshape(one, shape)) for one in (inputs, all_sums, all_outputs)]

    @tf.function
    def one_layer(steps):
        found = [tf.matmul(inputs, kernel), tf.matmul(all_sums, kernel, transpose_b=True)]
        found.append(tf.matmul(tf.concat([inputs, inputs], axis=1), all_sums, transpose_a=True))
        found.append(tf.matmul(all_outputs, inputs, transpose_a=True))
        for hidden, sums, outputs in zip(*steps):
            found += [tf.matmul(hidden, kernel), tf.matmul(outputs, projection)]
            found += [tf.matmul(sums, kernel, transpose_b=True), tf.matmul(hidden, projection, transpose_b=True)]
        return tf.add_n([one[0, 0] for one in found])

    def run():
        for _ in range(4):  # layers and directions
            one_layer(steps).numpy()

    return run


def torch_lstms():
    import torch

    size, kind = FLAGS.projection_size, {"float32": torch.float32, "bfloat16": torch.bfloat16}[FLAGS.dtype]
    return [torch.nn.LSTM(size, FLAGS.units, proj_size=size, batch_first=True).to(kind) for _ in range(4)], kind


def torch_layers(lstms, forward, backward):
    for first, second in zip(lstms[::2], lstms[1::2]):
        is_first = first is lstms[0]
        forward = first(forward)[0] + (0.0 if is_first else forward)
        backward = second(backward)[0] + (0.0 if is_first else backward)
    return forward, backward


def torch_training():
    import torch

    lstms, kind = torch_lstms()
    inputs = torch.randn(FLAGS.lanes, FLAGS.steps, FLAGS.projection_size).to(kind)

    def step():
        for lstm in lstms:
            lstm.zero_grad()
        top = torch_layers(lstms, inputs, inputs)
        sum(one.float().square().mean() for one in top).backward()

    return step


def vectors():
    """Sentences sorted by length, in batches as both sides get them."""
    import glob

    import numpy as np
    import tensorflow as tf

    from bertline.processors.layouts.characters import character_ids

    lines = [line.split() for path in sorted(glob.glob(FLAGS.text)) for line in open(path, encoding="utf-8")]
    lines = sorted([line for line in lines if line][: FLAGS.sentences], key=len)
    batches = []
    for start in range(0, len(lines), FLAGS.batch_size):
        part = lines[start : start + FLAGS.batch_size]
        shape = len(part), max(map(len, part))
        ids, mask = np.zeros([*shape, 50], np.int32), np.zeros(shape, np.int32)
        for row, words in enumerate(part):
            ids[row, : len(words)], mask[row, : len(words)] = character_ids(words), 1
        batches.append((ids, mask))
    ours = encoder(for_training=False)
    signature = [tf.TensorSpec([None, None, 50], tf.int32), tf.TensorSpec([None, None], tf.int32)]
    run = tf.function(
        lambda ids, mask: ours({"character_ids": ids, "input_mask": mask})["sequence_output"], input_signature=signature
    )
    sides = {"bertline": lambda: [run(*batch).numpy() for batch in batches], "torch": torch_vectors(ours, batches)}
    report("vectors", in_turn(sides), sum(map(len, lines)))


def torch_vectors(ours, batches):
    """Every word through the filters, as AllenNLP does without its cache; padding at the end of each direction."""
    import torch

    config, (lstms, kind) = ours.config, torch_lstms()
    table = torch.nn.Embedding(261, config.character_embedding_size).to(kind)
    filters = [torch.nn.Conv1d(config.character_embedding_size, count, size).to(kind) for size, count in config.filters]
    highways = [[torch.nn.Linear(2048, 2048).to(kind) for _ in range(2)] for _ in range(config.num_highways)]
    projection = torch.nn.Linear(2048, config.projection_size).to(kind)
    arrays = [torch.tensor(ids, dtype=torch.long) for ids, _ in batches]

    def words_of(ids):
        rows = table(ids.reshape(-1, 50)).transpose(1, 2)
        rows = torch.cat([torch.relu(one(rows).max(dim=2).values) for one in filters], dim=1)
        for gate, change in highways:
            share = torch.sigmoid(gate(rows))
            rows = share * torch.relu(change(rows)) + (1 - share) * rows
        return projection(rows).reshape(*ids.shape[:2], -1)

    def run():
        with torch.inference_mode():
            for ids in arrays:
                words = torch.nn.functional.pad(words_of(ids), (0, 0, 1, 1))
                torch.cat(torch_layers(lstms, words, words.flip(1)), dim=-1)

    return run


def vocabulary():
    """A step of the objective over a vocabulary of several sizes: what it costs should not grow."""
    import numpy as np
    import tensorflow as tf

    from bertline import registry
    from bertline.training.optimizers.adagrad import Adagrad
    from bertline.training.optimizers.parameter_groups import parameter_groups
    from bertline.training.steps.step import TrainStep

    draw, shape = np.random.default_rng(0), (FLAGS.lanes, FLAGS.steps)
    for size in map(int, FLAGS.vocab_sizes):
        objective = registry.get("objective", "bidirectional_lm")(encoder(vocab_size=size))
        schedule = lambda step: tf.constant(0.2)  # noqa: E731
        optimizer = Adagrad(objective.named_weights(), schedule, parameter_groups(0.0), initial_accumulator=1.0)
        step = TrainStep(objective, optimizer, tf.Variable(0, dtype=tf.int64), seed=1, lanes=FLAGS.lanes)
        batch = {"input_mask": np.ones(shape, np.int32)}
        for way in ("", "backward_"):
            lengths = draw.integers(2, 12, shape)[:, :, None]
            batch[f"{way}character_ids"] = draw.integers(1, 259, (*shape, 50), np.int32) * (np.arange(50) < lengths)
            batch[f"{way}next_ids"] = draw.integers(0, size, shape, np.int32)
        batch = {name: tf.constant(array, tf.int32) for name, array in batch.items()}
        run = tf.function(step, autograph=False)
        found = in_turn({"step": lambda run=run, batch=batch: run(batch)["loss"].numpy()})
        print(f"vocabulary {size:8,d}: {found['step'] * 1e3:8.1f} ms a step")


def in_turn(sides):
    """Side -> median of its seconds."""
    found = {side: [] for side in sides}
    for _ in range(FLAGS.rounds + 2):
        for side, call in sides.items():
            started = time.perf_counter()
            call()
            found[side].append(time.perf_counter() - started)
    return {side: statistics.median(seconds[2:]) for side, seconds in found.items()}


def report(what, seconds, tokens):
    rates = ", ".join(f"{side} {tokens / one:,.0f} tokens/s" for side, one in seconds.items())
    print(f"{what}: {rates}; {seconds['torch'] / seconds['bertline']:.2f} times torch")


if __name__ == "__main__":
    app.run(main)
