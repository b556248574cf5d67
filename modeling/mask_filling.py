"""What a masked language model says of single texts: tokens for their [MASK]s, and how likely they are.

Pseudo-log-likelihood: Salazar et al. 2019, https://arxiv.org/abs/1910.14659, section 2.
"""

import itertools

import numpy as np
import tensorflow as tf

from errors import InputError
from modeling.inference import BATCH_TOKENS, Inference

MASK = "[MASK]"


def text_predictions(objective, texts, layout, top_k):
    """Yields a dict per text.

    A text with [MASK]s: {"text", "masks": [{"position", "candidates": [{"token", "probability"}, ...]}, ...]}; position
    counts tokens from 0, special ones before the text too; candidates are the `top_k` most likely ones, best first.
    Several masks of a text are filled independently of each other. A text without: {"text", "tokens": [{"token",
    "log_probability"}, ...], "pseudo_log_likelihood", "pseudo_perplexity"}: each token's probability where it alone is
    masked.

    Raises:
      InputError: a text has more tokens than the layout takes, before any is predicted.
    """
    tokenizer, frame, max_seq_length = layout.tokenizer, layout.frame, layout.max_seq_length
    encoded = [frame.put_around(_encode(text, tokenizer)) for text in texts]
    for number, ids in enumerate(encoded, 1):
        if len(ids) > max_seq_length:
            special = " and ".join(tokenizer.convert_ids_to_tokens(frame.ids)) or "nothing around them"
            raise InputError(
                f"line {number}: {len(ids)} tokens with {special}, --max_seq_length={max_seq_length}; split the "
                "line or raise it"
            )

    def log_probabilities(scope, batch):
        with scope():
            return tf.nn.log_softmax(objective.masked_lm_logits(objective(batch)))

    tokens = sum(len(ids) if tokenizer.mask_id in ids else len(ids) ** 2 for ids in encoded)
    spec = {name: tf.TensorSpec([None, None], tf.int32, name) for name in _features([[0]], [[0]])}
    infer = Inference(objective).graph(log_probabilities, tokens, spec)
    top_k = min(top_k, tokenizer.vocab_size)
    for text, ids in zip(texts, encoded):
        masked = np.flatnonzero(ids == tokenizer.mask_id)
        if len(masked):
            yield {"text": text, "masks": _fill(infer, ids, masked, tokenizer, top_k)}
        else:
            yield {"text": text, **_score(infer, ids, tokenizer, frame)}


def _encode(text, tokenizer):
    """A text's ids, where each literal [MASK] is one."""
    parts, splits = tokenizer.encode_batch(text.split(MASK))
    pieces = [parts[start:end] for start, end in itertools.pairwise(splits)]
    between = [[tokenizer.mask_id]] * (len(pieces) - 1)
    joined = [piece for pair in itertools.zip_longest(pieces, between, fillvalue=[]) for piece in pair]
    return np.concatenate(joined)


def _fill(infer, ids, masked, tokenizer, top_k):
    log_probabilities = infer(_features(ids[None], masked[None])).numpy()[:, : tokenizer.vocab_size]  # [masks, V]
    best = np.argsort(-log_probabilities, axis=1, kind="stable")[:, :top_k]
    return [
        {
            "position": int(position),
            "candidates": [
                {"token": token, "probability": float(np.exp(row[i]))}
                for token, i in zip(tokenizer.convert_ids_to_tokens(order.tolist()), order)
            ],
        }
        for position, row, order in zip(masked, log_probabilities, best)
    ]


def _score(infer, ids, tokenizer, frame):
    positions = np.arange(len(frame.before), len(ids) - len(frame.after), dtype=np.int32)
    at_once, found = max(1, BATCH_TOKENS // len(ids)), []
    for start in range(0, len(positions), at_once):
        part = positions[start : start + at_once]
        rows = np.tile(ids, (len(part), 1))
        rows[np.arange(len(part)), part] = tokenizer.mask_id
        log_probabilities = infer(_features(rows, part[:, None])).numpy()  # [len(part), V]
        found.extend(log_probabilities[np.arange(len(part)), ids[part]].tolist())
    total = float(sum(found))
    return {
        "pseudo_log_likelihood": total,
        "pseudo_perplexity": float(np.exp(-total / max(1, len(found)))),
        "tokens": [
            {"token": token, "log_probability": value}
            for token, value in zip(tokenizer.convert_ids_to_tokens(ids[positions].tolist()), found)
        ],
    }


def _features(ids, positions):
    ids = tf.constant(ids, tf.int32)
    return {
        "input_ids": ids, "input_mask": tf.ones_like(ids), "segment_ids": tf.zeros_like(ids),
        "masked_lm_positions": tf.constant(positions, tf.int32),
    }  # fmt: skip
