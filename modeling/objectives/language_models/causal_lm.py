"""A causal language model: each token is predicted from those before it, with the embeddings as output embeddings.

Source: Press & Wolf 2016, https://arxiv.org/abs/1608.05859 (tied embeddings); Merity et al. 2017 (carried state).
"""

import math

import numpy as np
import tensorflow as tf

from bertline import registry
from bertline.errors import InputError
from bertline.modeling.layers import vocabulary_softmax
from bertline.modeling.objective import Objective
from bertline.modeling.speed.inference import Inference


@registry.register("objective", "causal_lm")
class CausalLM(Objective):
    """A softmax over the vocabulary at each token.

    Features: those of the encoder; next_ids int32 [B, T], the token behind each. Outputs: rows [B * T, H], the states;
    state, where the encoder carries one from batch to batch.

    Args:
      encoder: causal, with an `output_table`. Raises InputError for another one.
    """

    measures = {"token_accuracy": "loss"}
    corpus = "token_stream"
    reads_pooled_output = False
    rows_of_tokens = ("lm_bias",)

    def __init__(self, encoder, **kwargs):
        super().__init__(encoder, name="causal_lm", **kwargs)
        if not encoder.is_causal:
            raise InputError(
                f"--objective=causal_lm: the encoder {encoder.config.model_type} sees the tokens that are to be "
                "predicted; a causal one is needed, as awd_lstm"
            )
        self.carries_state = encoder.zero_state(1) is not None
        self.output_bias = self.add_weight(
            name="lm_bias",
            shape=(self.table_of_words().shape[0],),
            initializer="zeros",
            dtype="float32",
            autocast=False,
        )

    def call(self, features, dropout_key=None, state=None, training=False):
        carried = {"state": state} if self.carries_state else {}
        outputs = self.encoder(features, dropout_key=dropout_key, **carried)
        rows = tf.reshape(outputs["sequence_output"], [-1, self.encoder.width])
        return {"rows": rows, **({"state": outputs["state"]} if self.carries_state else {})}

    def zero_state(self, lanes):
        """The state before the first batch; None where none is carried."""
        return self.encoder.zero_state(lanes) if self.carries_state else None

    def loss_weights(self, features):
        return {"loss": tf.cast(features["input_mask"], tf.float32)}

    def losses(self, features, outputs):
        """The loss of each token, and whether the right one got the highest logit: float32 [B, T]."""
        following = features["next_ids"]
        losses, correct = vocabulary_softmax.cross_entropy(
            outputs["rows"], self.encoder.output_table(), self.output_bias, tf.reshape(following, [-1])
        )
        return {
            "loss": tf.reshape(losses, tf.shape(following)),
            "token_accuracy": tf.reshape(correct, tf.shape(following)),
        }

    def logits(self, outputs):
        """Outputs of `call` -> float32 [B * T, V]."""
        table = self.encoder.output_table()
        return tf.cast(vocabulary_softmax.logits(outputs["rows"], table, self.output_bias), tf.float32)

    def summary(self, means):
        """Adds the perplexity, of a token of the vocabulary."""
        found = super().summary(means)
        return {**found, "perplexity": math.exp(min(found["loss"], 700.0))}

    def predictions(self, outputs):
        return {}

    def text_predictions(self, texts, layout, top_k):
        """Yields, for each text, how likely it is: a log-likelihood, and that of each token and of the end.

        Texts of any length are read in stretches of `max_seq_length` tokens, with the state carried on.
        """

        def log_probabilities(scope, features, state):
            with scope():
                outputs = self(features, state=state)
                scores = tf.nn.log_softmax(self.logits(outputs))
            return tf.gather(scores, tf.reshape(features["next_ids"], [-1]), batch_dims=1), outputs.get("state", ())

        tokenizer, max_seq_length = layout.tokenizer, layout.max_seq_length
        encoded, end = [tokenizer.encode_batch([text])[0] for text in texts], [tokenizer.end_id]
        first_state = self.zero_state(1) if self.carries_state else ()
        spec = {name: tf.TensorSpec([1, None], tf.int32, name) for name in _features(np.int32([0]), np.int32([0]))}
        state_spec = tf.nest.map_structure(tf.TensorSpec.from_tensor, first_state)
        inference = Inference(self)
        infer = inference.graph(log_probabilities, sum(map(len, encoded)), spec, state_spec)
        for text, ids in zip(texts, encoded):
            following, before = (np.concatenate(part).astype(np.int32) for part in ((ids, end), (end, ids)))
            state, found = first_state, []
            for start in range(0, len(following), max_seq_length):
                part = slice(start, start + max_seq_length)
                values, state = infer(_features(before[part], following[part]), state)
                found.extend(values.numpy().tolist())
            total = float(sum(found))
            yield {
                "text": text,
                "log_likelihood": total,
                "perplexity": math.exp(min(-total / len(found), 700.0)),
                "tokens": [
                    {"token": token, "log_probability": value}
                    for token, value in zip(tokenizer.convert_ids_to_tokens(following.tolist()), found)
                ],
            }


def _features(ids, following):
    ids = tf.constant(ids[None])
    return {"input_ids": ids, "input_mask": tf.ones_like(ids), "next_ids": tf.constant(following[None])}
