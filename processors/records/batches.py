"""Records -> batches of similar length.

A pool of records is parsed at once, sorted by length and cut into batches, so that a batch has little padding; in
training the order of the records, and of the batches of a pool, is random. All of it is a tf.data graph, whose
iterator can be checkpointed.
"""

import tensorflow as tf

from bertline.processors.records import sampling
from bertline.processors.records.feature_spec import axes_of, lengths_of, mask_of, token_axes

SHUFFLE_BUFFER = 100_000  # records; a split of fewer is shuffled as a whole
FILES_AT_ONCE = 16  # shards that are read in turn, so that neighbours in a batch come from different ones
EVALUATION_POOL = 20_000  # records sorted at once for evaluation and prediction
# What is a graph's operations already. To rewrite it AutoGraph would put files into the temporary folder, which stay
# there when the process is killed.
as_it_is = tf.autograph.experimental.do_not_convert


def train_batches(
    record_set,
    batch_size,
    seed,
    length_buckets=None,
    pool_batches=1,
    shuffle_buffer=SHUFFLE_BUFFER,
    class_rates=None,
):
    """An endless data set of shuffled batches, each of exactly `batch_size` records.

    Every record comes once an epoch; a pool at the end of one epoch is filled up from the next. Dict of tensors: [B]
    and the axes of each feature. A named axis is as long as the longest row of the batch (or the smallest bucket that
    holds it); all texts of a record have the same number of tokens.

    Args:
      record_set: a RecordSet.
      batch_size: records of an optimizer step, all replicas together.
      seed: of the order; the same seed gives the same batches.
      length_buckets: lengths that T may have, for static shapes; None pads to the longest.
      shuffle_buffer: records that are shuffled at once; a checkpoint holds them.
      pool_batches: so many batches (fewer where the split is small) are cut from one pool sorted by length. They have
        little padding, but rows of one length have more in common than rows at random; 1 leaves the order random.
      class_rates: how often each row of a class comes in an epoch, of `sampling.rates`; None: every row once.
    """
    pool_batches = max(1, min(pool_batches, record_set.num_examples // (4 * batch_size)))
    buffer = min(shuffle_buffer, record_set.num_examples)
    serialized = _serialized_rows(record_set, seed)
    if class_rates is None:
        serialized = serialized.shuffle(buffer, seed=seed).repeat()
    else:
        serialized = sampling.sample(serialized, class_rates, seed).shuffle(buffer, seed=seed)

    @as_it_is
    def cut(index, pool):
        features = sort_by_length(_parse_numbered(pool, record_set), record_set.spec)
        order = tf.random.experimental.stateless_shuffle(
            tf.range(pool_batches), seed=tf.stack([seed, tf.cast(index, tf.int32)])
        )
        starts = tf.data.Dataset.from_tensor_slices(order * batch_size)
        return starts.map(
            as_it_is(lambda start: dense_batch(features, start, start + batch_size, record_set.spec, length_buckets))
        )

    return serialized.batch(pool_batches * batch_size, drop_remainder=True).enumerate().flat_map(cut).prefetch(4)


def evaluation_batches(record_set, max_tokens, length_buckets=None, batch_size=None, num_examples=-1):
    """Every record once, longest first within pools of `EVALUATION_POOL`, in batches of at most `max_tokens` slots.

    Short texts share larger batches: what a device can hold is a number of tokens, not of texts.

    Args:
      record_set: a RecordSet.
      max_tokens: rows x length x texts of a batch.
      length_buckets, batch_size: for static shapes: every batch has `batch_size` rows, the last one filled up with rows
        whose `is_real_example` is 0.
      num_examples: how many of the records, from the first on; -1: all.
    """
    serialized = _serialized_rows(record_set).take(num_examples).batch(EVALUATION_POOL)

    @as_it_is
    def cut(*pool):
        features = sort_by_length(_parse_numbered(pool, record_set), record_set.spec)
        slots = _longest(features["lengths"], record_set.spec) * max(1, len(token_axes(record_set.spec)))
        starts, ends = _cuts(slots, max_tokens, batch_size)
        return tf.data.Dataset.from_tensor_slices((starts, ends)).map(
            as_it_is(lambda start, end: dense_batch(features, start, end, record_set.spec, length_buckets))
        )

    batches = serialized.flat_map(cut)
    if batch_size is not None:
        batches = batches.map(as_it_is(lambda batch: _fill_up(batch, batch_size)))
    return batches.prefetch(4)


def whole_batches(record_set, batch_size, length_buckets=None, num_examples=-1):
    """Every record once, in the order of the files, in batches of exactly `batch_size` rows; one of all, if fewer.

    The last batch is filled up with the first records again, whose `is_real_example` is 0: for objectives that relate
    the rows of a batch to each other. Arguments as for `evaluation_batches`.
    """
    count = record_set.num_examples if num_examples < 0 else min(num_examples, record_set.num_examples)
    size = min(batch_size, count)
    rows = _serialized_rows(record_set).take(count).repeat().take(-(-count // size) * size).enumerate()

    @as_it_is
    def make_batch(places, pool):
        features = sort_by_length({**_parse_numbered(pool, record_set), "place": _column(places)}, record_set.spec)
        batch = dense_batch(features, 0, size, record_set.spec, length_buckets)
        return {**batch, "is_real_example": tf.cast(features["place"].values < count, tf.int32)}

    return rows.batch(size, drop_remainder=True).map(make_batch).prefetch(4)


def _column(values):
    """[n] -> RaggedTensor [n, 1]."""
    return tf.RaggedTensor.from_uniform_row_length(values, 1)


def _serialized_rows(record_set, seed=None):
    """Data set of (int64 number, string record) of all real rows, in the order of the files.

    With a seed, the files of an interleaved set are read some in turn, in random order.
    """
    files = sorted(record_set.files)
    if seed is not None and record_set.interleaved and len(files) > 1:
        shuffled = tf.data.Dataset.from_tensor_slices(files).shuffle(len(files), seed=seed)
        records = shuffled.interleave(as_it_is(tf.data.TFRecordDataset), cycle_length=min(FILES_AT_ONCE, len(files)))
    else:
        records = tf.data.TFRecordDataset(files)
    if record_set.has_padding:
        real = {"is_real_example": tf.io.FixedLenFeature([], tf.int64, default_value=1)}
        records = records.filter(
            as_it_is(lambda record: tf.io.parse_single_example(record, real)["is_real_example"] > 0)
        )
    return records.enumerate()


def _parse_numbered(pool, record_set):
    """(numbers [n], records [n]) -> parsed features."""
    numbers, serialized = pool
    features = parse(serialized, record_set.spec)
    if not record_set.numbered:
        features["example_index"] = _column(numbers)
    return features


def parse(serialized, spec):
    """string [n] -> dict of RaggedTensors [n, None], by the spec; [n, None, None] where there are two named axes."""
    stored_types = {"int32": tf.int64, "float32": tf.float32}
    features = {}
    for name, feature in spec.items():
        inner = [tf.io.RaggedFeature.RowLengths(lengths_of(name))] if len(feature.named_axes) == 2 else []
        features[name] = tf.io.RaggedFeature(stored_types[feature.dtype], value_key=name, partitions=inner)
    return tf.io.parse_example(serialized, features)


def sort_by_length(features, spec):
    """Orders the rows of a parsed pool, the longest first; adds `lengths`, int32 [n, axes], of the named axes."""
    count = next(iter(features.values())).nrows(tf.int32)
    lengths = [_lengths(features, axis, name, spec) for axis, name in axes_of(spec).items()]
    lengths = tf.stack(lengths, axis=1) if lengths else tf.zeros([count, 0], tf.int32)
    order = tf.argsort(_longest(lengths, spec), direction="DESCENDING", stable=True)
    return {**{name: tf.gather(f, order) for name, f in features.items()}, "lengths": tf.gather(lengths, order)}


def _longest(lengths, spec):
    """int32 [n]: tokens of the longest text of each row; of rows without tokens the longest axis, 1 without axes."""
    if not axes_of(spec):
        return tf.ones(tf.shape(lengths)[:1], tf.int32)
    places = [i for i, axis in enumerate(axes_of(spec)) if axis in token_axes(spec)]
    return tf.reduce_max(tf.gather(lengths, places, axis=1) if places else lengths, axis=1)


def _lengths(features, axis, name, spec):
    """int32 [n]: how long an axis is in each row, by the feature that has its length."""
    lengths = tf.cast(features[name].row_lengths(), tf.int32)
    if len(spec[name].named_axes) == 1:
        lengths //= spec[name].numbers
    if mask_of(axis) in features:
        masks = features[mask_of(axis)]
        # Records of the original are padded to a fixed length and say so in their mask; ours have no mask.
        lengths = tf.where(masks.row_lengths() > 0, tf.cast(tf.reduce_sum(masks, axis=1), tf.int32), lengths)
    return lengths


def dense_batch(features, start, end, spec, length_buckets=None):
    """Rows start to end of a sorted pool as dense tensors; what a record lacks gets the value for absence."""
    lengths = features["lengths"][start:end]  # [B, axes]
    axes, tokens = list(axes_of(spec)), token_axes(spec)
    longest = {axis: tf.reduce_max(lengths[:, i]) for i, axis in enumerate(axes)}
    if tokens:
        longest |= dict.fromkeys(tokens, tf.reduce_max(tf.stack([longest[axis] for axis in tokens])))
    if length_buckets is not None:
        longest = {axis: _round_up(length, length_buckets) for axis, length in longest.items()}
    real = {axis: tf.sequence_mask(lengths[:, i], longest[axis]) for i, axis in enumerate(axes)}
    batch = {}
    for name, feature in spec.items():
        rows = tf.cast(features[name][start:end], feature.dtype)
        batch[name] = _dense(rows, feature, longest, real)
    return batch


def _round_up(length, buckets):
    """The smallest bucket that holds a length; a multiple of the largest one where none does, as of a part's pieces."""
    largest = buckets[-1]
    within = tf.gather(buckets, tf.minimum(tf.searchsorted(buckets, [length])[0], len(buckets) - 1))
    return tf.where(length <= largest, within, (length + largest - 1) // largest * largest)


def _dense(rows, feature, longest, real):
    """One feature of a batch: [B] and its axes."""
    if len(feature.named_axes) == 2:
        return rows.to_tensor(tf.constant(feature.padding, feature.dtype), shape=[None, longest[feature.axes[0]], None])
    named = feature.named_axes
    width = longest[named[0]] * feature.numbers if named else feature.numbers
    values = rows.to_tensor(tf.constant(feature.padding, feature.dtype), shape=tf.stack([-1, width]))
    values.set_shape([None, None if named else width])
    if feature.absent is not None:
        missing = tf.equal(rows.row_lengths(), 0)[:, None]
        values = tf.where(missing, tf.constant(feature.absent, feature.dtype), values)
    if not feature.axes:
        return values[:, 0]
    if not named:
        return values
    if feature.numbers > 1:
        values = tf.reshape(values, [-1, longest[named[0]], *feature.axes[1:]])
    mask = tf.reshape(real[named[0]], [-1, longest[named[0]], *[1] * (len(feature.axes) - 1)])
    if feature.padding == 0:
        return values * tf.cast(mask, feature.dtype)
    return tf.where(mask, values, tf.constant(feature.padding, feature.dtype))


def _cuts(lengths, max_tokens, batch_size):
    """Where to cut a sorted pool: starts and ends, int32 [batches]."""

    def cut(lengths):
        starts, start = [], 0
        while start < len(lengths):
            starts.append(start)
            start += batch_size or max(1, int(max_tokens // max(1, lengths[start])))
        return tf.constant(starts, tf.int32), tf.constant([*starts[1:], len(lengths)], tf.int32)

    starts, ends = tf.py_function(lambda x: cut(x.numpy()), [lengths], [tf.int32, tf.int32])
    starts.set_shape([None]), ends.set_shape([None])
    return starts, ends


def _fill_up(batch, batch_size):
    missing = batch_size - tf.shape(batch["example_index"])[0]
    batch["is_real_example"] = tf.ones_like(batch["example_index"])
    pads = {name: [[0, missing]] + [[0, 0]] * (tensor.shape.rank - 1) for name, tensor in batch.items()}
    return {
        name: tf.ensure_shape(tf.pad(tensor, pads[name]), [batch_size, *tensor.shape[1:]])
        for name, tensor in batch.items()
    }
