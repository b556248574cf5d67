"""keras-hub on TensorFlow: BertTextClassifier without preprocessor, `fit` and `evaluate` as they come."""

import os

os.environ["KERAS_BACKEND"] = "tensorflow"

import keras
import keras_hub

from benchmarks.peers import LEARNING_RATE, MAX_GRAD_NORM, WEIGHT_DECAY, feeding

NAMES = {"input_ids": "token_ids", "input_mask": "padding_mask", "segment_ids": "segment_ids"}
POLICIES = {"float32": "float32", "bfloat16": "mixed_bfloat16"}


class KerasHub:
    """See benchmarks.peers."""

    def __init__(self, batches, model):
        self._batches, self._folder = batches, model
        self._made, self._data = {}, {}

    def first_loss(self, dtype):
        features, labels = next(iter(self._dataset("train", "sorted")))
        model = self._model(dtype)
        return float(model.loss(labels, model(features, training=False)))

    def train(self, dtype, order):
        self._model(dtype).fit(self._dataset("train", order), verbose=0)

    def evaluate(self, dtype, order):
        return self._model(dtype).evaluate(self._dataset("eval", order), verbose=0)[1]

    def matmul(self, dtype, size):
        return feeding.matmul(dtype, size)

    def _dataset(self, mode, order):
        if (mode, order) not in self._data:

            def renamed(batch):
                return {theirs: batch[ours] for ours, theirs in NAMES.items()}, batch["label_ids"]

            self._data[mode, order] = feeding.dataset(self._batches.orders[mode, order]).map(renamed).prefetch(4)
        return self._data[mode, order]

    def _model(self, dtype):
        if dtype not in self._made:
            backbone = keras_hub.models.BertBackbone.from_preset(self._folder, dtype=POLICIES[dtype])
            model = keras_hub.models.BertTextClassifier(backbone, num_classes=self._batches.num_labels)
            model.output_dense.kernel.assign(self._batches.head(backbone.hidden_dim).T)
            optimizer = keras.optimizers.AdamW(LEARNING_RATE, weight_decay=WEIGHT_DECAY, global_clipnorm=MAX_GRAD_NORM)
            optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
            # Compiled by XLA on a CPU it would be slower, and would compile anew for every length.
            loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
            model.compile(optimizer, loss, metrics=["accuracy"], jit_compile=False)
            self._made[dtype] = model
        return self._made[dtype]
