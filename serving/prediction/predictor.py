"""A fine-tuned model at work: texts in, and labels, tags, answers or ranked candidates out, or vectors."""

import contextlib

import numpy as np
import tensorflow as tf

from bertline.errors import InputError
from bertline.modeling.speed.inference import BATCH_TOKENS
from bertline.modeling.transformer.attention import attention
from bertline.processors.layouts import base as layouts
from bertline.processors.text.texts import check_text, check_texts
from bertline.serving.encoder import batching
from bertline.serving.encoder.text_encoder import TextEncoder
from bertline.serving.encoder.vector_graph import LAYOUT_TOKENS
from bertline.serving.encoder.vector_options import VectorOptions
from bertline.serving.prediction.head_of_rows import HeadOfRows
from bertline.serving.prediction.progress import of_a_call
from bertline.serving.texts import truncation
from bertline.serving.texts.trained_length import trained_length
from bertline.training.steps.two_at_once import BATCHES_AT_ONCE

# To a TextEncoder the classifier is one more way from the states of a text to its numbers.
_CLASSIFIED = VectorOptions(pooling="classifier")

SHOWN_LABELS = 6  # of a Predictor's repr


class Predictor(TextEncoder):
    """A model that is ready for texts. Threads may share one.

    Attributes:
      task: the name of the task, where the model has several.
      objective, labels: the head over the encoder, and bertline.processors.labels.base.Labels, which say what
        `predict` takes and gives; None, both, for a model without a head, which gives vectors only.

    Args:
      folder: an output folder of run_classifier.py, run_tagger.py or run_squad.py, its model/, or a Hugging Face folder
        of a classifier of texts or of tokens, or of a reader of answers; for vectors alone all that TextEncoder takes.
      max_seq_length: tokens of the longest text or pair; by default that of the training, else the model's own.
      dtype: "float32", "bfloat16" or "float16".
      vocab_file, do_lower_case: where nothing beside the weights says it.
      warm_up: make the graphs now rather than for the first text.
      batch_tokens, batches_at_once, low_latency: as of TextEncoder.
      task: which head of a model that was trained on several tasks; None: a model of one.

    Raises:
      InputError: what does not fit together; a model of several tasks, none or another of which is named.
    """

    def __init__(
        self,
        folder,
        *,
        max_seq_length=None,
        dtype="float32",
        vocab_file=None,
        do_lower_case=None,
        warm_up=False,
        batch_tokens=BATCH_TOKENS,
        batches_at_once=BATCHES_AT_ONCE,
        low_latency=False,
        task=None,
    ):
        super().__init__(
            folder,
            max_seq_length=max_seq_length or (trained_length(folder, task) if task else None),
            dtype=dtype,
            vocab_file=vocab_file,
            do_lower_case=do_lower_case,
            batch_tokens=batch_tokens,
            batches_at_once=batches_at_once,
            low_latency=low_latency,
        )
        self._opened = self._opened.of_task(task)
        self.layout = self._own_layout()  # each of several tasks may cut texts in its own way
        # Of several tasks each has a head, that of cosines too.
        self.objective, self.labels = self._opened.read_head(self._encoder, task is not None) or (None, None)
        self._head_of_rows, self.task = None, task
        if self.objective is not None and self.objective.layout is not None:
            self._head_of_rows = self._make_head_of_rows(batch_tokens, batches_at_once)
        if warm_up:
            self.warm_up()

    def _make_head_of_rows(self, batch_tokens, batches_at_once):
        layout = layouts.make(
            self.objective.layout,
            self.layout,
            **layouts.get(self.objective.layout).saved_options(self._opened.weights.config or {}, self.max_seq_length),
        )
        return HeadOfRows(self.objective, self.labels, layout, batch_tokens, batches_at_once)

    @property
    def problem_type(self):
        """Of `bertline.processors.base.DataProcessor`; None of a model without a head."""
        return self.labels and self.labels.problem_type

    @property
    def head_layout(self):
        """The layout that the head reads, of bertline.processors.layouts."""
        return self.layout if self._head_of_rows is None else self._head_of_rows.layout

    @property
    def gives_probabilities(self):
        """Whether the head says something of whole texts."""
        return self.labels is not None and (self._head_of_rows is None or self._head_of_rows.gives_probabilities)

    @property
    def warm_up_texts(self):
        """Texts for the first call of a graph: a row of as many tokens as decide well how weights are laid out."""
        return ["a " * self.layout.frame.room(LAYOUT_TOKENS, 1)]

    def warm_up(self):
        """Traces the graph of `predict` (of `embed`, where there is no head) and runs it once."""
        texts = self.warm_up_texts
        if self.labels is None:
            self.embed(texts)
        else:
            self.predict(list(zip(texts, texts)) if self.head_layout.needs_pairs else self.labels.sample_inputs(texts))

    def __repr__(self):
        if self.labels is None:
            return super().__repr__()
        names = self.labels.names
        shown = ", ".join(names[:SHOWN_LABELS]) + (f", ... of {len(names)}" if len(names) > SHOWN_LABELS else "")
        said = f"problem_type={self.labels.problem_type!r}" + (f", labels=[{shown}]" if names else "")
        return f"{self._start_of_repr()}, {said})"

    def predict(self, texts, *, progress=None, warns=True):
        """What the model says of each text: a list of objects of `bertline.processors.labels.predictions`.

        Args:
          texts: a list of what the head reads.
            Of whole texts: str, or pairs of str; gives `Prediction`s, and a
            `bertline.serving.texts.truncation.TruncationWarning` says how many were not read to their end.
            Tags: str, raw text in which words are found, or lists of str, the words; gives `TaggedText`s.
            Answers: pairs (question, context) of str, or dicts of both; gives `FoundAnswer`s.
            Candidates: pairs (query, list of candidates), or dicts of both; gives `Ranking`s, with the same warning.
          progress: as of `encode`.
          warns: whether there is that warning. `truncated` of each object says it too.

        Raises:
          TypeError, InputError: what is no text, with its row; a model without a head.
        """
        self._check_head()
        if self.gives_probabilities:
            rows, truncated = self.probabilities(texts, return_truncated=True, progress=progress)
            found = [self.labels.prediction(row, cut) for row, cut in zip(rows, truncated.tolist())]
        else:
            found = self._of_rows(self._head_of_rows.predictions, texts, progress)
        if warns:
            truncation.warn([one.truncated for one in found], self._most_tokens, self.labels.input_name)
        return found

    def _of_rows(self, function, texts, progress):
        """What a function of the head of rows gives for some texts."""
        examples = list(check_texts(texts, self.labels.example, self.labels.input_name))
        shown = of_a_call(len(examples), progress)
        with contextlib.closing(shown) if shown else contextlib.nullcontext():
            return function(examples, shown.show if shown else None)

    @property
    def _most_tokens(self):
        """How long a text may be, in words."""
        return f"max_seq_length={self.max_seq_length} tokens" if self._head_of_rows is None else self.head_layout.limit

    def tag(self, texts, *, progress=None):
        """`predict` of a model that tags words: list of TaggedText. Raises InputError for another model."""
        self._check_verb("tag")
        return self.predict(texts, progress=progress)

    def answer(self, questions, *, progress=None):
        """`predict` of a model that finds answers: list of FoundAnswer. Raises InputError for another model.

        Args:
          questions: list of (question, context), or of dicts of both.
        """
        self._check_verb("answer")
        return self.predict(questions, progress=progress)

    def rank(self, queries, *, progress=None):
        """`predict` of a model that ranks candidates: list of Ranking. Raises InputError for another model.

        Args:
          queries: list of (query, list of candidates), or of dicts of both. A query has as many as it likes.
        """
        self._check_verb("rank")
        return self.predict(queries, progress=progress)

    def _check_head(self):
        if self.labels is None:
            raise InputError(
                f"{self.folder.model}: no classifier in it, or no pooler; it gives vectors only, by "
                "embed; run_classifier.py --do_train makes a classifier of it"
            )

    def _check_verb(self, verb):
        self._check_head()
        if self.labels.verb != verb:
            raise InputError(
                f"{self.folder.model}: a model for {self.problem_type}, which has no {verb}; call {self.labels.verb}"
            )

    def probabilities(self, texts, *, return_truncated=False, progress=None):
        """float32 [n, labels], in the order of `labels.names`; scores [n, 1] where the model gives a score.

        Args:
          texts, return_truncated, progress: as of `encode`.

        Raises:
          TypeError, InputError: what is no text, with its row; a model without a classifier of whole texts.
        """
        self._check_head()
        if not self.gives_probabilities:
            self._check_verb("probabilities")
        if self._head_of_rows is not None:
            rows, truncated = self._of_rows(self._head_of_rows.probabilities, texts, progress)
            if not return_truncated:
                truncation.warn(truncated, self._most_tokens)
            return (rows, truncated) if return_truncated else rows
        parts, truncated = self._all(texts, _CLASSIFIED, progress, warn=not return_truncated)
        rows = [part.values[:, 0] for part in parts]
        rows = np.concatenate(rows) if rows else np.zeros([0, self.labels.num_labels], np.float32)
        return (rows, truncated) if return_truncated else rows

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
        text = check_text(text)
        first, second = (text, "") if isinstance(text, str) else text
        rows = self.layout.rows([first], [second])
        features = {name: tf.constant(values) for name, values in batching.dense(rows, np.array([0])).items()}
        found = self.tokens(rows.values["input_ids"]), attention(self._encoder, features, layer).numpy()
        return (*found, bool(rows.cut[0])) if return_truncated else found

    def _computation(self, encoder, options, per_token):
        if options is not _CLASSIFIED:
            return super()._computation(encoder, options, per_token)
        classifier = self.objective
        if encoder is not classifier.encoder:
            classifier, _ = self._opened.read_head(encoder)
        # [B, 1, labels]
        return classifier, lambda features: classifier.predictions(classifier(features))["probabilities"][:, None]
