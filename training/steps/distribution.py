"""Devices: which strategy the flags ask for, and how a batch is shared between its replicas."""

import logging

import tensorflow as tf

from bertline.errors import InputError


def make_strategy(use_tpu=False, tpu_name=None, num_gpus=None, require_gpu=False):
    """One device, several GPUs of this machine, or a TPU.

    Args:
      use_tpu: connect to the TPU `tpu_name` ("local" on a TPU VM).
      num_gpus: how many GPUs; None takes all there are, 0 the CPU.
      require_gpu: no GPU is an error instead of a slow run.

    Raises:
      InputError: the devices that were asked for are not there.
    """
    if use_tpu:
        try:
            resolver = tf.distribute.cluster_resolver.TPUClusterResolver(tpu=tpu_name or "local")
            tf.config.experimental_connect_to_cluster(resolver)
            tf.tpu.experimental.initialize_tpu_system(resolver)
        except (ValueError, OSError, tf.errors.OpError) as error:
            raise InputError(
                f"--use_tpu: no TPU {tpu_name or 'local'!r} answers: {str(error).splitlines()[0]}"
            ) from error
        return tf.distribute.TPUStrategy(resolver)
    gpus = tf.config.list_physical_devices("GPU")
    if num_gpus is not None and num_gpus > len(gpus):
        raise InputError(f"--num_gpus={num_gpus}, but TensorFlow sees {len(gpus)} GPU(s)")
    if require_gpu and not gpus:
        raise InputError(
            "--require_gpu, but TensorFlow sees no GPU; are the driver and `tensorflow[and-cuda]` installed?"
        )
    used = len(gpus) if num_gpus is None else num_gpus
    if used == 0 and gpus:
        tf.config.set_visible_devices([], "GPU")
    logging.getLogger(__name__).info("device: %s", f"{used} GPU(s)" if used else "CPU")
    if used > 1:
        return tf.distribute.MirroredStrategy([f"GPU:{i}" for i in range(used)])
    return tf.distribute.get_strategy()


def slice_of(batch, index, count):
    """Part `index` of `count` of a batch: rows start, start + 1, ... of equal shares, the last ones shorter by one.

    A dict of tensors [B, ...] -> a dict of tensors [about B / count, ...]; no row is lost, none is twice.
    """
    first = next(iter(batch.values()))
    if first.shape[0] is not None and first.shape[0] % count == 0:  # static shapes stay static
        share = first.shape[0] // count
        return {
            n: tf.slice(t, [index * share] + [0] * (t.shape.rank - 1), [share, *t.shape[1:]]) for n, t in batch.items()
        }
    size = tf.shape(first)[0]
    start, end = size * index // count, size * (index + 1) // count
    return {name: tensor[start:end] for name, tensor in batch.items()}
