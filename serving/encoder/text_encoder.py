"""Text in, vectors out: any encoder's states, pooled or not, at the pace of sorted batches."""

import contextlib
import dataclasses
import functools
import itertools
import math
import numbers
import os
import threading

import numpy as np
import tensorflow as tf

from bertline.errors import InputError
from bertline.modeling.dtypes import check_dtype
from bertline.modeling.encoder import policy
from bertline.modeling.speed.inference import BATCH_TOKENS, fingerprint
from bertline.modeling.speed.switches import static_shapes, weights_follow
from bertline.processors.layouts import base as layouts
from bertline.processors.layouts.truncation import saved_truncation
from bertline.processors.text.texts import check_text, check_texts
from bertline.serving.encoder import batching
from bertline.serving.encoder.pool import Pool
from bertline.serving.encoder.vector_graph import CarriedGraph, Graph, SharedGraph, spec, vectors
from bertline.serving.encoder.vector_options import PROMPT_OF_OTHERS, vector_options
from bertline.serving.prediction.progress import of_a_call
from bertline.serving.sentence_transformers.sentence_transformers_folder import read_sentence_folder
from bertline.serving.speed import cores, lite_graph
from bertline.serving.speed.lite_graph import LiteGraph
from bertline.serving.texts import truncation
from bertline.serving.texts.trained_length import trained_length
from bertline.training.steps.two_at_once import BATCHES_AT_ONCE, in_order
from bertline.weights.load_save import load_weights
from bertline.weights.open_model import open_model

LONGEST_BY_DEFAULT = 512  # tokens
POOL_TEXTS = 4096
POOL_BYTES = 1 << 27  # of a pool's results, where a token has 4 characters


class TextEncoder:
    """An encoder that is ready for texts. Threads may share one.

    Attributes:
      layout: of bertline.processors.layouts, what the encoder reads.
      low_latency: whether graphs that are made from now on have a LiteGraph beside them.
      most_graphs: how many kinds of vectors get a graph of their own; further ones share one.

    Args:
      model: what `--init_checkpoint` takes: a TF1 checkpoint, a Hugging Face folder, an output folder of Bertline, a
        SavedModel. A sentence-transformers folder says pooling, normalisation and the longest text by itself.
      max_seq_length: tokens of the longest text, special ones included; by default that of the training, else the
        model's own.
      window_stride: longer texts are read in windows that begin so many tokens apart; None: they are cut. Pairs always
        are.
      dtype: "float32", "bfloat16" or "float16".
      bert_config_file, vocab_file, do_lower_case: where nothing beside the weights says it.
      batch_tokens: tokens of a batch. batches_at_once: see `bertline.serving.speed.cores`.
      carry_state: each text begins with the state that the one before left, as bilm-tf embeds texts.
      low_latency: one short text takes less than half the time, in float32 whatever `dtype`; the first call takes some
        seconds longer. See `bertline.serving.speed.lite_graph`.

    Raises:
      InputError: what does not fit together.
    """

    def __init__(
        self,
        model,
        *,
        max_seq_length=None,
        window_stride=None,
        dtype="float32",
        bert_config_file=None,
        vocab_file=None,
        do_lower_case=None,
        batch_tokens=BATCH_TOKENS,
        batches_at_once=BATCHES_AT_ONCE,
        carry_state=False,
        low_latency=False,
    ):
        if not model:
            raise InputError(f"model: {model!r}; a checkpoint or a folder is needed")
        if max_seq_length is not None and not isinstance(max_seq_length, numbers.Integral):
            raise InputError(f"max_seq_length={max_seq_length!r}: a whole number of tokens is needed")
        self._model, self.folder = os.fspath(model), read_sentence_folder(model)
        longest = max_seq_length or self.folder.max_seq_length or trained_length(model)
        check_dtype(dtype)
        source = self._opened = open_model(
            self.folder.model,
            bert_config_file=bert_config_file,
            vocab_file=vocab_file,
            do_lower_case=do_lower_case,
            max_seq_length=longest or 1,
        )
        self.config, self.tokenizer = source.config, source.tokenizer
        own = self.config.max_length, self.tokenizer.model_max_length
        self.max_seq_length = longest or min([LONGEST_BY_DEFAULT, *filter(None, own)])
        if self.folder.lower_cases and not self.tokenizer.do_lower_case:
            raise InputError(
                f"{self.folder.model}: its texts are lower-cased before a tokenizer that keeps case (do_lower_case in "
                "sentence_bert_config.json), which is not done here; lower-case them yourself and say false there"
            )
        self.layout = self._own_layout()
        longest_window = self.layout.frame.room(self.max_seq_length, 1)
        if window_stride is not None and not 0 < window_stride <= longest_window:
            raise InputError(
                f"--window_stride={window_stride}: a number from 1 to {longest_window} is needed, so that "
                f"windows of --max_seq_length={self.max_seq_length} leave no token out"
            )
        self._stride, self._batch_tokens, self._at_once = window_stride, batch_tokens, batches_at_once
        self._encoder = _build(source.encoder_class, self.config, dtype)
        self._carries_state = carry_state
        if carry_state and self._encoder.zero_state(1) is None:
            raise InputError(f"--carry_state: the encoder {self.config.model_type} carries no state; elmo does")
        self.report = _load(self._encoder, source.weights)
        self.report.warn()
        self._graphs, self._shared_graph, self._lock = {}, None, threading.Lock()
        self.most_graphs = math.inf
        self._dtype, self.low_latency = dtype, low_latency

    def _own_layout(self):
        """What the encoder reads of one text; what remains of a long one is what the opened folder says."""
        weights = self._opened.weights
        truncation = saved_truncation((weights and weights.config) or {})
        return layouts.own_layout(
            self.config, self.tokenizer, self.max_seq_length, None if truncation.is_original else truncation
        )

    def options(
        self,
        unit="sentence",
        pooling=None,
        layers=(-1,),
        layer_mix="none",
        normalize=None,
        *,
        prompt=None,
        prompt_name=None,
    ):
        """VectorOptions; pooling, normalisation and prompt are the model's own where they are None.

        Args:
          prompt: what stands before each text, "" for nothing; prompt_name: the same by its name in a folder of
            sentence-transformers. For sentences alone.
          unit, pooling, layers, layer_mix, normalize: see `bertline.serving.encoder.vector_options`; `layers` may be a
              single number, or None: all, embeddings first.

        Raises:
          InputError: an unknown name, a layer that the model has not, a prompt that leaves no room for a text, or
            nothing said where the model's own way to a sentence's vector has a part that is not known here.
        """
        own, normalizes_truncated = unit == "sentence", bool(normalize)
        if own and pooling is None and self.folder.unread:
            raise InputError(
                f"{self.folder.model}: its sentence vectors come from {self.folder.unread}, which is not read; give "
                "--pooling for vectors without it"
            )
        if pooling is None:
            pooling = (own and self.folder.pooling) or "mean"
        if normalize is None:
            normalize = own and self.folder.normalize
        layers = self._numbers(layers)
        options = vector_options(unit, pooling, layers, layer_mix, normalize)
        count = self.config.num_layers
        for layer in options.layers:
            if not -count - 1 <= layer < count:
                raise InputError(
                    f"--layers: there is no layer {layer}; the model has {count}, -{count} to -1 or 0 to {count - 1}, "
                    f"and -{count + 1} for the embeddings"
                )
        if options.unit != "sentence":
            if prompt or prompt_name is not None:
                raise InputError(PROMPT_OF_OTHERS)
            return options
        prompt = check_text(self.folder.prompt(prompt, prompt_name), "prompt")
        return dataclasses.replace(
            options,
            truncate_dim=self.folder.truncate_dim,
            normalizes_truncated=normalizes_truncated and self.folder.truncate_dim is not None,
            prompt=prompt,
            unpooled=self._num_unpooled(prompt),
        )

    def _numbers(self, layers):
        """Layers as a tuple; all of them, embeddings first, where they are None."""
        if layers is None:
            return tuple(range(-self.config.num_layers - 1, 0))
        return (layers,) if isinstance(layers, int) else layers

    def encode(self, texts, *, return_truncated=False, progress=None, **wanted):
        """The vectors of some texts.

        Args:
          texts: list of str, or of pairs of str.
          return_truncated: give (vectors, bool [n]: whether the end of a text was not read). Without it a
            `bertline.serving.texts.truncation.TruncationWarning` says so.
          progress: whether to show how far it is; None: on a terminal or in a notebook, when it takes some seconds.
          wanted: as for `options`.

        Returns:
          float32 [n, W] of sentences; a list of [rows, W] where the unit is a token or a word. With several layers that
          are not mixed [n, L, W] and [rows, L, W].

        Raises:
          TypeError, InputError: what is no text, with its row; see `bertline.processors.text.texts`.
        """
        options = self.options(**wanted)
        parts, truncated = self._all(texts, options, progress, warn=not return_truncated)
        values = [part.values[:, 0] if options.num_states == 1 else part.values for part in parts]
        if options.unit == "sentence":
            empty = np.zeros([0, options.width(self.config.width)], np.float32)
            vectors = np.concatenate(values or [empty]) if len(values) != 1 else values[0]
        else:
            bounds = [(rows, *pair) for part, rows in zip(parts, values) for pair in itertools.pairwise(part.offsets)]
            vectors = [rows[start:end] for rows, start, end in bounds]
        return (vectors, truncated) if return_truncated else vectors

    def stream(self, texts, options, show=None):
        """Yields the TextVectors of one pool of texts after the other, in order.

        Args:
          texts: iterable of str, or of pairs; may be endless.
          options: VectorOptions, as `options` gives them.
          show: called now and then with the number of texts that are done.

        Raises:
          TypeError, InputError: what is no text, with its row; see `bertline.processors.text.texts`.
        """
        pools, given = [], 0  # begun, not yet given back; texts that were

        def batches():
            prompted = (_after_prompt(options.prompt, text) for text in check_texts(texts))
            for pool_texts in batching.pools(prompted, POOL_TEXTS, self._pool_characters(options)):
                pools.append(Pool(pool_texts, self.layout, self._stride, options))
                for part in pools[-1].parts:
                    graph = self._graph(options, part.per_token)
                    for chosen in self._cut(part):
                        yield part, chosen, graph

        def compute(batch, alone=False):
            part, chosen, graph = batch
            return graph(batching.dense(part.rows, chosen), alone)

        made = batches()
        first = list(itertools.islice(made, 2))
        together = len(first) == 2 and not self._carries_state  # threads would only delay a single batch
        made = itertools.chain(first, made)
        if together:
            results = in_order(compute, made, self._at_once)
        else:
            results = ((batch, compute(batch, alone=True)) for batch in made)
        for (part, chosen, _), values in results:
            part.add(chosen, values)
            if show:
                show(given + sum(pool.texts_done for pool in pools))
            while pools and pools[0].is_complete():
                pool = pools.pop(0)
                given += pool.texts_done
                yield pool.vectors()

    def _cut(self, part):
        """Batches of a PoolPart; of one row each, in their order, where each goes on from the one before."""
        if self._carries_state:
            return part.members[:, None]
        return batching.cut(part.rows.lengths, part.members, self._batch_tokens)

    def _num_unpooled(self, prompt):
        """How many tokens at the begin of a text with a prompt are not pooled: its own and special ones before, or 0.

        Raises:
          InputError: it leaves no room for a text.
        """
        length = len(self.tokenizer.encode_batch([prompt])[0]) if prompt else 0
        if length and length >= self.layout.frame.room(self.max_seq_length, 1):
            raise InputError(
                f"--prompt={prompt[:60]}: its {length} tokens leave no room for a text in "
                f"--max_seq_length={self.max_seq_length}; raise it, or give an empty --prompt= for none"
            )
        return len(self.layout.frame.before) + length if length and not self.folder.pools_prompt else 0

    def tokens(self, ids):
        """list of str for ids."""
        return self.tokenizer.convert_ids_to_tokens(ids)

    def __repr__(self):
        options = self.options() if not self.folder.unread else None
        pooled = f", pooling={options.pooling!r}, normalize={options.normalize}" if options else ""
        pooled += f", prompt={options.prompt!r}" if options and options.prompt else ""
        return f"{self._start_of_repr()}{pooled})"

    def fingerprint(self):
        """A checksum, hex, of all weights."""
        return f"{fingerprint(self._encoder):08x}"

    def _start_of_repr(self):
        encoder = f"{type(self._encoder).__name__}, {self.config.num_layers} layers of {self.config.width}"
        return (
            f"{type(self).__name__}({self._model!r}, encoder=<{encoder}>, max_seq_length={self.max_seq_length}, "
            f"dtype={self._dtype!r}"
        )

    def _all(self, texts, options, progress, warn):
        """(list of the TextVectors of all pools, bool [n]: whether a text was truncated)."""
        shown = of_a_call(len(texts) if hasattr(texts, "__len__") else None, progress)
        with contextlib.closing(shown) if shown else contextlib.nullcontext():
            parts = list(self.stream(texts, options, shown.show if shown else None))
        truncated = np.concatenate([part.cut for part in parts]) if parts else np.zeros([0], bool)
        if warn:
            truncation.warn(truncated, f"max_seq_length={self.max_seq_length} tokens")
        return parts, truncated

    def _graph(self, options, per_token):
        if options.prompt:
            options = dataclasses.replace(options, prompt="")  # the graph sees tokens alone
        with self._lock:
            if (options, per_token) not in self._graphs:
                if len(self._graphs) >= self.most_graphs and not per_token and SharedGraph.has(options):
                    self._shared_graph = self._shared_graph or SharedGraph(self._encoder, self.layout)
                    return functools.partial(self._shared_graph, options=options)
                quick = None
                if self.low_latency and not per_token:
                    quick = LiteGraph(lambda: self._portable_function(options), cores.count())
                if self._carries_state:
                    function = functools.partial(vectors, options=options, per_token=per_token)
                    return self._graphs.setdefault(
                        (options, per_token), CarriedGraph(self._encoder, self.layout, function)
                    )
                model, function = self._computation(self._encoder, options, per_token)
                most_tokens = lite_graph.MOST_TOKENS[self._dtype]
                self._graphs[options, per_token] = Graph(model, self.layout, function, quick, most_tokens)
            return self._graphs[options, per_token]

    def _computation(self, encoder, options, per_token):
        """(model, features -> its numbers) over an encoder that has its weights."""
        return encoder, lambda features: vectors(encoder, features, options, per_token)

    def _portable_function(self, options):
        """The concrete function in float32."""
        encoder = self._encoder
        if self._dtype != "float32":
            encoder = _build(type(encoder), self.config, "float32")
            _load(encoder, self._opened.weights)
        function = self._computation(encoder, options, per_token=False)[1]
        return tf.function(function, autograph=False).get_concrete_function(spec(self.layout, rows=1))

    def _pool_characters(self, options):
        if options.unit == "sentence" and not self._stride:
            return POOL_BYTES
        # Of a sentence of several windows the states are kept as well. A token is in as many windows as overlap there.
        token_bytes = 4 * self.config.width * len(options.layers)
        stride = self._stride or self.max_seq_length
        return max(1, 4 * POOL_BYTES * stride // (token_bytes * self.max_seq_length))


def _after_prompt(prompt, text):
    """A text, or the first one of a pair, after the prompt."""
    if not prompt:
        return text
    return prompt + text if isinstance(text, str) else (prompt + text[0], text[1])


def _build(encoder_class, config, dtype):
    """An encoder that waits for its weights."""
    # Batches are cut so that there is hardly any padding to remove.
    with static_shapes(), weights_follow():
        encoder = encoder_class(config, dtype=policy(dtype, False))
        encoder.build()
    return encoder


def _load(encoder, weights):
    return load_weights(encoder, weights, allow_missing=encoder.optional_weights)
