"""A fine-tuned model at work: texts in, labels with probabilities out, or vectors."""

import numpy as np
import tensorflow as tf

from errors import InputError
from modeling.attention import attention
from modeling.inference import BATCH_TOKENS
from processors.labels.whole_texts import LabelsOfTexts
from serving import batching, truncation
from serving.prediction import Prediction
from serving.text_encoder import TextEncoder
from serving.texts import checked_one
from serving.vector_graph import LAYOUT_TOKENS
from serving.vector_options import VectorOptions
from training.two_at_once import BATCHES_AT_ONCE

# To a TextEncoder the classifier is one more way from the states of a text to its numbers.
_CLASSIFIED = VectorOptions(pooling="classifier")

SHOWN_LABELS = 6  # of a Predictor's repr


class Predictor(TextEncoder):
    """A model that is ready for texts. Threads may share one.

    Attributes:
      labels: processors.labels.base.Labels; None for a model without a classifier, which gives vectors only.

    Args:
      folder: an output folder of run_classifier.py, its model/, or a Hugging Face folder of a sequence classifier; for
        vectors alone all that TextEncoder takes.
      max_seq_length: tokens of the longest text or pair; by default that of the training, else the model's own.
      dtype: "float32", "bfloat16" or "float16".
      vocab_file, do_lower_case: where nothing beside the weights says it.
      warm_up: make the graphs now rather than for the first text.
      batch_tokens, batches_at_once, low_latency: as of TextEncoder.

    Raises:
      InputError: what does not fit together.
    """

    def __init__(
        self, folder, *, max_seq_length=None, dtype="float32", vocab_file=None, do_lower_case=None, warm_up=False,
        batch_tokens=BATCH_TOKENS, batches_at_once=BATCHES_AT_ONCE, low_latency=False,
    ):  # fmt: skip
        super().__init__(
            folder, max_seq_length=max_seq_length, dtype=dtype, vocab_file=vocab_file,
            do_lower_case=do_lower_case, batch_tokens=batch_tokens, batches_at_once=batches_at_once,
            low_latency=low_latency,
        )  # fmt: skip
        found = self._opened.read_head(self._encoder)
        if found and not isinstance(found[1], LabelsOfTexts):
            found = None  # of tokens
        self._classifier, self.labels = found or (None, None)
        if warm_up:
            self.warm_up()

    @property
    def warm_up_texts(self):
        """Texts for the first call of a graph: a row of as many tokens as decide well how weights are laid out."""
        return ["a " * self.layout.frame.room(LAYOUT_TOKENS, 1)]

    def warm_up(self):
        """Traces the graph of `predict` (of `embed`, where there is no classifier) and runs it once."""
        self.predict(self.warm_up_texts) if self.labels else self.embed(self.warm_up_texts)

    def __repr__(self):
        if self.labels is None:
            return super().__repr__()
        names = self.labels.names
        shown = ", ".join(names[:SHOWN_LABELS]) + (f", ... of {len(names)}" if len(names) > SHOWN_LABELS else "")
        said = f"problem_type={self.labels.problem_type!r}" + (f", labels=[{shown}]" if names else "")
        return f"{self._start_of_repr()}, {said})"

    def predict(self, texts, *, progress=None):
        """A Prediction of each text. A `serving.truncation.TruncationWarning` says how many were not read to their end.

        Args:
          texts: list of str, or of pairs of str.
          progress: as of `encode`.

        Raises:
          TypeError, InputError: what is no text, with its row; a model without a classifier.
        """
        rows, truncated = self.probabilities(texts, return_truncated=True, progress=progress)
        truncation.warn(truncated, f"max_seq_length={self.max_seq_length} tokens")
        return [self.prediction(row, cut) for row, cut in zip(rows, truncated.tolist())]

    def probabilities(self, texts, *, return_truncated=False, progress=None):
        """float32 [n, labels], in the order of `labels.names`; scores [n, 1] where the model gives a score.

        Args:
          texts, return_truncated, progress: as of `encode`.

        Raises:
          TypeError, InputError: what is no text, with its row; a model without a classifier.
        """
        if self.labels is None:
            raise InputError(
                f"{self.folder.model}: no classifier in it, or no pooler; it gives vectors only, by "
                "embed; run_classifier.py --do_train makes a classifier of it"
            )
        parts, truncated = self._all(texts, _CLASSIFIED, progress, warn=not return_truncated)
        rows = [part.values[:, 0] for part in parts]
        rows = np.concatenate(rows) if rows else np.zeros([0, self.labels.num_labels], np.float32)
        return (rows, truncated) if return_truncated else rows

    def prediction(self, row, truncated=False):
        """A row of `probabilities` as a Prediction."""
        numbers = [float(number) for number in row]
        if self.labels.problem_type == "regression":
            return Prediction(None, None, numbers[0], truncated)
        named = dict(zip(self.labels.names, numbers))
        if self.labels.problem_type == "multi_label_classification":
            chosen = tuple(name for name, number in named.items() if number >= 0.5)
            return Prediction(chosen, named, None, truncated)
        return Prediction(self.labels.decode(row), named, None, truncated)

    def embed(self, texts, **wanted):
        """The vectors of some texts: `encode`, whose arguments and results these are."""
        return self.encode(texts, **wanted)

    def attention_sizes(self):
        """(layers that attend, heads of each); 0 where the encoder has no attention."""
        layers = self._encoder.attention_layers()
        return len(layers), layers[0].sizes.num_heads if layers else 0

    def attention(self, text, layer, *, return_truncated=False):
        """How the tokens of one text look at each other.

        Args:
          text: str, or a pair of str.
          layer: number of the layer, 0 the first.
          return_truncated: give a third value, whether the end of the text was not read.

        Returns:
          (tokens: list of T str, float32 [heads, T, T], of which each row sums to 1).

        Raises:
          InputError: no text, no such layer, or the encoder has no attention.
        """
        text = checked_one(text)
        first, second = (text, "") if isinstance(text, str) else text
        rows = self.layout.rows([first], [second])
        features = {name: tf.constant(values) for name, values in batching.dense(rows, np.array([0])).items()}
        found = self.tokens(rows.values["input_ids"]), attention(self._encoder, features, layer).numpy()
        return (*found, bool(rows.cut[0])) if return_truncated else found

    def _computation(self, encoder, options, per_token):
        if options is not _CLASSIFIED:
            return super()._computation(encoder, options, per_token)
        classifier = self._classifier
        if encoder is not classifier.encoder:
            classifier, _ = self._opened.read_head(encoder)
        # [B, 1, labels]
        return classifier, lambda features: classifier.predictions(classifier(features))["probabilities"][:, None]
