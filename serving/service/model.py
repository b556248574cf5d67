"""What the service can do with texts: verbs that a batch shares."""

import dataclasses

import numpy as np

from bertline.errors import InputError
from bertline.serving.service.http.refusal import Refusal

# Each stays, tens of megabytes and seconds of work. So nobody can use up memory or time by asking for ever new kinds of
# vectors: those that come later share a graph.
MOST_GRAPHS = 16
_NOT_FINITE = (
    "the model gives numbers that are not finite; with --dtype=float16 they may overflow, else the weights are broken"
)


class Model:
    """A Predictor, as the queue and the pages see it. Threads may share one.

    Attributes:
      name: what to call it.
      verb: what its head does, the last part of a path: "predict", "tag", "answer" or "rank"; None: it gives vectors
        only.
    """

    def __init__(self, predictor, name):
        self._predictor, self.name = predictor, name
        predictor.most_graphs, self._warm_options = MOST_GRAPHS, set()
        head = self._probabilities if predictor.gives_probabilities else self._predictions
        self._verbs = {"head": head, "embed": self._vectors, "attend": self._attention}
        self.verb = predictor.labels and predictor.labels.verb

    def warm_up(self):
        """Makes the graphs of what is asked for most."""
        if self.verb:
            self._predictor.warm_up()
        if not self._predictor.folder.unread:
            self._warm(self.embedding()[1])
        self._predictor.low_latency = False  # what is asked for later would wait, and need the weights twice more

    def tokens_about(self, text):
        """How many tokens a text has, without reading it: letters make fewer tokens than other writings.

        Args:
          text: str; a list of str, which are read as one; or (query, list of candidates), which are a pair each.
        """
        if _has_candidates(text):
            query, candidates = text
            return sum(self.tokens_about((query, candidate)) for candidate in candidates)
        parts = (text,) if isinstance(text, str) else text
        size = sum(len(part) if part.isascii() else len(part.encode()) * 4 // 3 for part in parts)
        return min(self._predictor.max_seq_length, 2 + size // 4)

    def num_texts(self, text):
        """As how many texts an input of `tokens_about` counts: a query as all of its candidates."""
        return len(text[1]) if _has_candidates(text) else 1

    def compute(self, kind, texts):
        """A row for each text, a tuple whose last value is whether the text was truncated; before it what the head
        says (probabilities of labels, or an object of bertline.processors.labels.predictions), the vector, or the
        tokens and their attention.

        Args:
          kind: a verb with its arguments, as `prediction`, `embedding` and `attention` make them.

        Raises:
          Refusal: the model gives numbers that are none, or cannot do this.
        """
        verb, *arguments = kind
        try:
            return self._verbs[verb](texts, *arguments)
        except InputError as error:
            raise _refusal_of(error) from None

    def prediction(self, verb="predict"):
        """The kind of work that the head does. Raises Refusal where there is none, or one that does something else."""
        if self.verb is None:
            raise Refusal(404, "this model has no classifier; /v1/embed gives vectors")
        if self.verb != verb:
            raise Refusal(404, f"this model is for {self._predictor.problem_type}; /v1/{self.verb} asks it")
        return ("head",)

    def embedding(self, pooling=None, layers=(-1,), layer_mix="none", normalize=None, prompt=None, prompt_name=None):
        """The kind of work that makes vectors.

        Raises:
          Refusal: an unknown name or layer, or one that is named twice.
        """
        try:
            options = self._predictor.options(
                "sentence", pooling, tuple(layers), layer_mix, normalize, prompt=prompt, prompt_name=prompt_name
            )
        except InputError as error:
            raise _refusal_of(error) from None
        if options.unit != "sentence":
            raise Refusal(422, f"pooling={pooling}: the service gives one vector per text")
        count = self._predictor.config.num_layers
        # -1 is the last layer, by another name; the embeddings, which have no other, become -1.
        _check_once("layers", layers, [layer + count if layer < 0 else layer for layer in layers])
        _check_once("pooling", pooling, options.pooling.split("+"))
        return ("embed", options)

    def numbers_per_text(self, kind):
        """How many numbers a text's vectors have together; kind: what `embedding` gave."""
        options = kind[1]
        return options.num_states * options.width(self._predictor.config.width)

    def attention(self, layer, head):
        """The kind of work that shows attention. Raises Refusal where there is none, or no such layer or head."""
        layers, heads = self._predictor.attention_sizes()
        if not layers:
            raise Refusal(404, "this model has no attention to show")
        for name, number, count in (("layer", layer, layers), ("head", head, heads)):
            if number is not None and number >= count:
                raise Refusal(422, f"{name}: there is no {name} {number}; 0 to {count - 1}")
        return ("attend", layer, head)

    def answers(self, rows):
        """Objects of bertline.processors.labels.predictions, which orjson writes as objects, of the rows of the
        head.
        """
        if self._predictor.gives_probabilities:
            return [self._predictor.labels.prediction(*row) for row in rows]
        return [one for one, _ in rows]

    def description(self):
        """dict: what a client may want to know."""
        predictor, config = self._predictor, self._predictor.config
        return {
            "name": self.name,
            "problem_type": predictor.problem_type,
            "verb": self.verb,
            "labels": list(predictor.labels.names) if self.verb else None,
            "pooling": predictor.folder.pooling or "mean",
            "prompts": predictor.folder.prompts,
            "default_prompt_name": predictor.folder.default_prompt_name,
            "max_seq_length": predictor.max_seq_length,
            "hidden_size": config.width,
            "num_hidden_layers": config.num_layers,
            "num_attention_heads": predictor.attention_sizes()[1],
        }

    def _probabilities(self, texts):
        values, truncated = self._predictor.probabilities(texts, return_truncated=True, progress=False)
        return list(zip(_finite(values), truncated.tolist()))

    def _predictions(self, inputs):
        found = self._predictor.predict(inputs, progress=False, warns=False)
        if not all(one.is_finite for one in found):
            raise Refusal(500, _NOT_FINITE)
        return [(one, one.truncated) for one in found]

    def _warm(self, options):
        """Before the texts of a client, which may be few or many, see the graph: see Predictor.warm_up_texts."""
        options = dataclasses.replace(options, prompt="")  # which no graph sees
        if options not in self._warm_options and len(self._warm_options) <= MOST_GRAPHS:
            list(self._predictor.stream(self._predictor.warm_up_texts, options))
            self._warm_options.add(options)

    def _vectors(self, texts, options):
        self._warm(options)
        rows = []
        for part in self._predictor.stream(texts, options):
            values = _finite(part.values)
            rows += zip(values[:, 0] if options.num_states == 1 else values, part.cut.tolist())
        return rows

    def _attention(self, texts, layer, head):
        found = []
        for text in texts:
            tokens, probabilities, truncated = self._predictor.attention(text, layer, return_truncated=True)
            chosen = probabilities.mean(axis=0) if head is None else probabilities[head]
            found.append((tokens, _finite(chosen), truncated))
        return found


def _has_candidates(text):
    return not isinstance(text, str) and not all(isinstance(part, str) for part in text)


def _refusal_of(error):
    """A Refusal for an InputError, which may name flags where a request has fields."""
    return Refusal(422, str(error).replace("--", ""))


def _finite(values):
    """The values; JSON has no other numbers. Raises Refusal where some are not finite."""
    if not np.isfinite(values).all():
        raise Refusal(500, _NOT_FINITE)
    return values


def _check_once(field, given, parts):
    """Raises Refusal where one of the parts comes twice: larger answers with nothing more in them."""
    if len(set(parts)) < len(parts):
        raise Refusal(422, f"{field}={str(given)[:80]}: each may be named once")
