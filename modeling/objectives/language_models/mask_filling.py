"""What a masked language model says of single texts: tokens for their [MASK]s, and how likely they are.

Pseudo-log-likelihood: Salazar et al. 2019, https://arxiv.org/abs/1910.14659, section 2.
"""

import itertools

import numpy as np
import tensorflow as tf

from bertline.errors import InputError
from bertline.modeling.speed.inference import BATCH_TOKENS, Inference

MASK = "[MASK]"
POSITIONS_AT_ONCE = 512  # each has a row as long as the vocabulary
_SPEC = {
    name: tf.TensorSpec([None, None], tf.float32 if name == "masked_lm_weights" else tf.int32, name)
    for name in ("input_ids", "input_mask", "segment_ids", "masked_lm_positions", "masked_lm_weights", "masked_lm_ids")
}


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
    masked = [np.flatnonzero(ids == tokenizer.mask_id) for ids in encoded]
    tokens = sum(len(ids) if len(positions) else len(ids) ** 2 for ids, positions in zip(encoded, masked))
    inference = Inference(objective)
    infer = inference.graph(_answer(objective, tokenizer.vocab_size, top_k), tokens, _SPEC)
    questions = (question for ids in encoded for question in _questions(ids, frame, tokenizer.mask_id))
    answers = _in_batches(infer, questions)
    for text, ids, positions in zip(texts, encoded, masked):
        if len(positions):
            yield {"text": text, "masks": _candidates(positions, answers, tokenizer)}
        else:
            yield {"text": text, **_likelihood(ids[_own(ids, frame)], answers, tokenizer)}


def _encode(text, tokenizer):
    """A text's ids, where each literal [MASK] is one."""
    parts, splits = tokenizer.encode_batch(text.split(MASK))
    pieces = [parts[start:end] for start, end in itertools.pairwise(splits)]
    between = [[tokenizer.mask_id]] * (len(pieces) - 1)
    joined = [piece for pair in itertools.zip_longest(pieces, between, fillvalue=[]) for piece in pair]
    return np.concatenate(joined)


def _questions(ids, frame, mask_id):
    """Yields (ids [T], positions [P], what stands there [P]): a text with its masks, or one that is masked in turn."""
    masked = np.flatnonzero(ids == mask_id)
    if len(masked):
        yield ids, masked, ids[masked]
        return
    for position in range(len(ids))[_own(ids, frame)]:
        row = ids.copy()
        row[position] = mask_id
        yield row, np.array([position]), ids[position : position + 1]


def _own(ids, frame):
    """The slice of a text's own tokens."""
    return slice(len(frame.before), len(ids) - len(frame.after))


def _answer(objective, vocab_size, top_k):
    """What a graph gives for each position [N]: log-probability of the label; those of the best [N, k]; their ids."""

    def answer(scope, batch):
        with scope():
            outputs = objective(batch)
            rows = tf.nn.log_softmax(objective.masked_lm_logits(outputs))
        counts, labels = (
            tf.gather(tf.reshape(batch[name], [-1]), outputs["masked_lm_slots"])
            for name in ("masked_lm_weights", "masked_lm_ids")
        )
        rows, labels = rows[counts > 0], labels[counts > 0]
        best = tf.math.top_k(rows[:, :vocab_size], min(top_k, vocab_size))
        return tf.gather(rows, labels, batch_dims=1), best.values, best.indices

    return answer


def _in_batches(infer, questions):
    """Yields the answer to each position of some questions."""
    batch, longest, positions = [], 0, 0
    for question in questions:
        longest, positions = max(longest, len(question[0])), positions + len(question[1])
        if batch and ((len(batch) + 1) * longest > BATCH_TOKENS or positions > POSITIONS_AT_ONCE):
            yield from zip(*(array.numpy() for array in infer(_features(batch))))
            batch, longest, positions = [], len(question[0]), len(question[1])
        batch.append(question)
    if batch:
        yield from zip(*(array.numpy() for array in infer(_features(batch))))


def _features(questions):
    ids, positions, labels = (tf.ragged.constant(column, tf.int32) for column in zip(*questions))
    return {
        "input_ids": ids.to_tensor(),
        "input_mask": tf.ones_like(ids).to_tensor(),
        "segment_ids": tf.zeros_like(ids).to_tensor(),
        "masked_lm_positions": positions.to_tensor(),
        "masked_lm_weights": tf.ones_like(positions, tf.float32).to_tensor(),
        "masked_lm_ids": labels.to_tensor(),
    }


def _candidates(positions, answers, tokenizer):
    return [
        {
            "position": int(position),
            "candidates": [
                {"token": token, "probability": float(np.exp(value))}
                for token, value in zip(tokenizer.convert_ids_to_tokens(best.tolist()), values)
            ],
        }
        for position, (_, values, best) in zip(positions, answers)
    ]


def _likelihood(ids, answers, tokenizer):
    found = [float(value) for _, (value, _, _) in zip(ids, answers)]
    total = sum(found)
    return {
        "pseudo_log_likelihood": total,
        "pseudo_perplexity": float(np.exp(-total / max(1, len(found)))),
        "tokens": [
            {"token": token, "log_probability": value}
            for token, value in zip(tokenizer.convert_ids_to_tokens(ids.tolist()), found)
        ],
    }
