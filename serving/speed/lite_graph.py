"""A graph for one text, by TensorFlow Lite: a short one takes less than half the time of TensorFlow's own graph.

Its float32 products (XNNPACK) read weights that were laid out once, whatever the number of rows, and its threads do not
fall asleep between two operations.
"""

import logging
import threading
import warnings

import tensorflow as tf

from bertline.common.quiet_tensorflow import stderr_without
from bertline.errors import InputError
from bertline.modeling.speed.switches import portable_operations

# Texts of more tokens take TensorFlow's own graph, which in half precision computes in it. Measured with 2 threads: in
# bfloat16 that is the faster one from about here, in float32 it was not up to 256 tokens, the longest that were tried.
MOST_TOKENS = {"float32": 512, "bfloat16": 12, "float16": 12}


class LiteGraph:
    """features -> float32 array, one text at a time. Making one takes seconds, and as much memory as the weights twice.

    Args:
      trace: () -> concrete function of features, each int32 [1, T] or [1, T, ...], with float32 variables; called where
        layers use operations that TensorFlow Lite knows.
      threads: to compute with.

    Raises:
      InputError: the model has an operation that TensorFlow Lite lacks, or this TensorFlow lacks TensorFlow Lite.
    """

    def __init__(self, trace, threads):
        if not hasattr(tf, "lite"):
            raise InputError("low latency needs tf.lite, which this TensorFlow has not; leave --low_latency out")
        with portable_operations():
            concrete = trace()
        with warnings.catch_warnings(), stderr_without(b"INFO: Created TensorFlow Lite"):
            warnings.simplefilter("ignore")  # the interpreter's move to a package of its own
            self._interpreter = tf.lite.Interpreter(model_content=_convert(concrete), num_threads=threads)
            details = self._interpreter.get_input_details()
            self._inputs = {_feature(each["name"]): each["index"] for each in details}
            self._more = {each["index"]: tuple(map(int, each["shape"][2:])) for each in details}  # axes of one token
            self._output = self._interpreter.get_output_details()[0]["index"]
            self._shape, self._lock = None, threading.Lock()
            self._allocate((1, 1))  # the first time it says so

    def __call__(self, features):
        """The values for name -> int32 [1, T]; None while another thread computes."""
        if not self._lock.acquire(blocking=False):
            return None
        try:
            self._allocate(features["input_mask"].shape)
            for name, index in self._inputs.items():
                self._interpreter.set_tensor(index, features[name])
            self._interpreter.invoke()
            return self._interpreter.get_tensor(self._output)
        finally:
            self._lock.release()

    def _allocate(self, shape):
        if shape != self._shape:
            self._shape = None  # until it is made
            for index in self._inputs.values():
                self._interpreter.resize_tensor_input(index, (*shape, *self._more[index]))
            self._interpreter.allocate_tensors()
            self._shape = shape


def _convert(concrete):
    """The bytes of the graph, with its weights. Raises InputError."""
    logger = logging.getLogger("absl")
    level = logger.level
    logger.setLevel(logging.ERROR)  # its advice to convert from a SavedModel
    try:
        return tf.lite.TFLiteConverter.from_concrete_functions([concrete]).convert()
    except Exception as error:  # the converter's errors have no base of their own, and thousands of lines
        reason = str(error).strip().splitlines() or [repr(error)]
        raise InputError(
            f"low latency: TensorFlow Lite cannot compute this model ({reason[0][:200]}); leave --low_latency out"
        ) from None
    finally:
        logger.setLevel(level)


def _feature(name):
    """The feature that an input stands for."""
    return name.split(":")[0].removeprefix("serving_default_")
