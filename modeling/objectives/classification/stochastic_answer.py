"""A pair -> a class, reasoned out in several steps over the words of both texts: the stochastic answer network.

Source: Liu et al. 2019 (MT-DNN), https://arxiv.org/abs/1901.11504, section 3, equations 3 to 6; Liu et al. 2018,
https://arxiv.org/abs/1804.07888 (stochastic prediction dropout).
"""

import tensorflow as tf

from bertline import registry
from bertline.errors import InputError
from bertline.modeling.configuration.head_fields import OBJECTIVE
from bertline.modeling.layers.dense import initializer
from bertline.modeling.layers.dropout import dropout
from bertline.modeling.losses.cross_entropy import CrossEntropy
from bertline.modeling.objective import Objective
from bertline.modeling.objectives.classification.sequence_classification import SequenceClassification
from bertline.options import Option

TINY = 1e-12  # of a probability whose logarithm is taken


@registry.register("objective", "stochastic_answer")
class StochasticAnswer(SequenceClassification):
    """State s starts as a summary of the second text; each step looks the first text up by it and moves it by a GRU.

    Each step predicts by the state s and what it looked up, x: softmax of a dense layer over [s; x; |s - x|; s x]. The
    mean of the steps' predictions is the answer. A single text is both of the pair.

    Features: those of the encoder, `segment_ids` among them, and `label_ids` int32 [B]. Outputs: `logits` float32
    [B, num_labels], logarithms of probabilities.

    Args:
      encoder: an Encoder that knows the texts of a pair apart.
      num_labels, class_weights, loss: as of sequence_classification.
      answer_steps: steps of reasoning. answer_dropout: share of the steps' predictions that training leaves out.

    Raises:
      InputError: the encoder reads no `segment_ids`.
    """

    options = {
        "answer_steps": Option(5, "Steps of reasoning of the stochastic answer network.", above=0),
        "answer_dropout": Option(
            0.1, "Share of the steps' predictions that training leaves out.", least=0, most=0.9, as_trained=False
        ),
    }
    problem_types = ("single_label_classification",)
    reads_pooled_output = reads_pooled_output_alone = False
    huggingface_heads = {
        "answer_query": ("answer_query", False),
        "answer_attention": ("answer_attention", False),
        "gru_kernel": ("gru_kernel", False),
        "gru_recurrent_kernel": ("gru_recurrent_kernel", False),
        "gru_bias": ("gru_bias", False),
        "gru_recurrent_bias": ("gru_recurrent_bias", False),
        "answer_weights": ("answer_weights", False),
        "answer_bias": ("answer_bias", False),
    }
    architectures = {}
    labelled = "answer_weights"
    has_class_vectors = False
    # A scale of the logarithm of a mean is no change of the weights.
    scale_logits = Objective.scale_logits

    def __init__(
        self,
        encoder,
        num_labels,
        problem_type="single_label_classification",
        class_weights=None,
        loss=None,
        answer_steps=5,
        answer_dropout=0.1,
        **kwargs,
    ):
        super(SequenceClassification, self).__init__(encoder, name="stochastic_answer", **kwargs)
        if "segment_ids" not in encoder.config.id_limits():
            raise InputError(
                f"--objective={self.name}: the encoder {encoder.config.model_type} does not tell the texts of a pair "
                "apart (segment_ids); one that does is needed, as bert"
            )
        self.num_labels, self.problem_type, self.class_weights = num_labels, problem_type, class_weights
        self.loss_of_classes = loss or CrossEntropy()
        self.answer_steps, self.answer_dropout = answer_steps, answer_dropout
        width = encoder.width
        shapes = {
            "answer_query": (width,),
            "answer_attention": (width, width),
            "gru_kernel": (width, 3 * width),
            "gru_recurrent_kernel": (width, 3 * width),
            "gru_bias": (3 * width,),
            "gru_recurrent_bias": (3 * width,),
            "answer_weights": (num_labels, 4 * width),
            "answer_bias": (num_labels,),
        }
        for name, shape in shapes.items():
            start = "zeros" if name.endswith("bias") else initializer(encoder.config.stddev)
            setattr(self, name, self.add_weight(name=name, shape=shape, initializer=start))

    @classmethod
    def from_saved(cls, encoder, config, shapes):
        if not shapes.get("answer_weights"):
            raise InputError("says a stochastic answer network (objective), which the weights lack; copy the folder")
        return cls(encoder, shapes["answer_weights"][0], **config.get(OBJECTIVE, {}).get("options", {}))

    def saved_options(self):
        return {"answer_steps": self.answer_steps, "answer_dropout": self.answer_dropout}

    def call(self, features, dropout_key=None, training=False):
        # A child, since it draws the same masks whenever this objective is called with the same key.
        key = None if dropout_key is None else dropout_key.child(0)
        states = self.encoder(features, dropout_key=dropout_key)["sequence_output"]  # [B, T, H]
        states = tf.cast(states, tf.float32)
        first, second = _texts(features)
        query = tf.einsum("bth,h->bt", states, self.answer_query)
        state, found = _look_up(states, query, second), []
        for _ in range(self.answer_steps):
            scores = tf.einsum("bh,hk,btk->bt", state, self.answer_attention, states)
            read = _look_up(states, scores, first)
            found.append(self._predict(state, read))
            state = self._move(dropout(state, self.answer_dropout, key), read)
        predictions = tf.stack(found, axis=1) * self._kept(tf.shape(state)[0], key)[:, :, None]  # [B, steps, labels]
        total = tf.reduce_sum(predictions, axis=1)
        return {"logits": tf.math.log(total / tf.reduce_sum(total, axis=1, keepdims=True) + TINY)}

    def _predict(self, state, read):
        """Probabilities [B, num_labels]."""
        both = tf.concat([state, read, tf.abs(state - read), state * read], axis=1)
        return tf.nn.softmax(tf.matmul(both, self.answer_weights, transpose_b=True) + self.answer_bias)

    def _move(self, state, read):
        """The next state [B, H] of a GRU, gates in the order of torch's: reset, update, new."""
        of_read = tf.split(tf.matmul(read, self.gru_kernel) + self.gru_bias, 3, axis=1)
        of_state = tf.split(tf.matmul(state, self.gru_recurrent_kernel) + self.gru_recurrent_bias, 3, axis=1)
        reset, update = (tf.sigmoid(one + other) for one, other in zip(of_read[:2], of_state[:2]))
        new = tf.tanh(of_read[2] + reset * of_state[2])
        return (1.0 - update) * new + update * state

    def _kept(self, rows, key):
        """float32 [B, steps]: which predictions count; a row of which none would keeps all."""
        ones = tf.ones([rows, self.answer_steps])
        kept = dropout(ones, self.answer_dropout, key)
        return tf.where(tf.reduce_sum(kept, axis=1, keepdims=True) > 0.0, kept, ones)


def _texts(features):
    """bool [B, T] of the tokens of the first text and of the second one, special tokens included."""
    real, second = features["input_mask"] > 0, features["segment_ids"] > 0
    is_pair = tf.reduce_any(real & second, axis=1, keepdims=True)
    return real & ~second, real & (second | ~is_pair)


def _look_up(states, scores, mask):
    """The mean [B, H] of some states, weighted by the softmax of scores [B, T]."""
    shares = tf.nn.softmax(tf.where(mask, scores, scores.dtype.min))
    return tf.einsum("bt,bth->bh", shares, states)
