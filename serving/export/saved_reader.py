"""A reader of answers as a SavedModel: questions and contexts in, answers with their places out."""

import numpy as np
import tensorflow as tf

from bertline.processors.layouts.graph_question_rows import GraphQuestionRows
from bertline.serving.export.saved_module import Head, strings

_NEVER = -1e9  # the score of a span that is none


class ReaderModule(Head):
    """Of questions and contexts, string [n] each: `answer` string [n], a part of the context, "" where there is none;
    `start`, `end` int32 [n], its characters, -1 where there is none; `score` float32 [n], the sum of its logits; and
    `null_score` float32 [n], the score of no answer minus that, where questions may have no answer.
    """

    signatures = {"serving_default": strings("question", "context")}
    example = (["Where is Ada?"], ["Ada went to Paris."])

    def __init__(self, objective, labels):
        super().__init__(objective, objective.encoder)
        self._rules = labels.rules

    def function(self, layout, scope):
        rows = GraphQuestionRows(layout)

        def answer(question, context):
            context = tf.strings.unicode_transcode(context, "UTF-8", "UTF-8", errors="ignore")
            windows = rows(question, context)
            with scope():
                logits = self.model.predictions(self.model(windows.features))
            return self._answers(context, windows, logits["start_logits"], logits["end_logits"])

        return answer, rows.resources

    def compare(self, module, live, texts):
        """See base class: each text is asked of the next one."""
        asked = [(one, other) for one, other in zip(texts, [*texts[1:], texts[0]]) if one.strip() and other.strip()]
        found = {name: value.numpy() for name, value in module(*map(tf.constant, zip(*asked))).items()}
        for score, one in zip(found["score"], live.answer(asked)):
            best = next((each for each in one.nbest if each["text"]), None)
            if best is not None:
                yield "score", score, np.float32(best["start_logit"] + best["end_logit"])

    def _answers(self, context, windows, start_logits, end_logits):
        count, length = tf.size(context), tf.shape(start_logits)[1]
        inside = _spread(tf.ones_like(windows.has_most_context), windows.begin, length)
        most = _spread(windows.has_most_context, windows.begin, length)
        k = tf.minimum(self._rules.n_best_size, length)
        starts, first = tf.math.top_k(start_logits, k)
        ends, last = tf.math.top_k(end_logits, k)
        fits = (first[:, :, None] <= last[:, None]) & (
            last[:, None] - first[:, :, None] < self._rules.max_answer_length
        )
        fits &= tf.gather(most, first, batch_dims=1)[:, :, None] & tf.gather(inside, last, batch_dims=1)[:, None]
        scores = tf.where(fits, starts[:, :, None] + ends[:, None], _NEVER)
        scores = tf.reshape(scores, [-1, k * k])
        best = tf.argmax(scores, axis=1, output_type=tf.int32)  # of each window
        of_row = tf.gather(scores, best, batch_dims=1)
        row = _first_best(of_row, windows.question, count)
        score, pair = tf.gather(of_row, row), tf.gather(best, row)
        token = [
            tf.gather(tf.gather(tokens, row), number, batch_dims=1) - tf.cast(tf.gather(windows.begin, row), tf.int32)
            for tokens, number in ((first, pair // k), (last, pair % k))
        ]
        is_one = score > _NEVER
        null = tf.math.unsorted_segment_min(start_logits[:, 0] + end_logits[:, 0], windows.question, count)
        odds = tf.where(is_one, null - score, 0.0)
        if self._rules.has_unanswerable:
            is_one &= odds <= (self._rules.null_score_diff_threshold or 0.0)
        start = tf.where(is_one, _of_piece(windows.starts, row, token[0]), -1)
        end = tf.where(is_one, _of_piece(windows.ends, row, token[1]), -1)
        text = tf.strings.substr(context, tf.maximum(start, 0), tf.maximum(end - start, 0), unit="UTF8_CHAR")
        said = {"answer": text, "start": start, "end": end, "score": score}
        return {**said, "null_score": odds} if self._rules.has_unanswerable else said


def _spread(values, begin, length):
    """RaggedTensor bool [R, pieces] -> bool [R, T], where the windows lie in their rows."""
    row = values.value_rowids()
    place = tf.range(tf.size(row, tf.int64)) - tf.gather(values.row_splits, row) + tf.gather(begin, row)
    shape = tf.stack([values.nrows(), tf.cast(length, tf.int64)])
    return tf.scatter_nd(tf.stack([row, place], axis=1), values.values, shape)


def _first_best(scores, segments, count):
    """int64 [count]: the row with the highest score in each segment, of equal ones the first."""
    highest = tf.gather(tf.math.unsorted_segment_max(scores, segments, count), segments)
    rows = tf.range(tf.size(scores, tf.int64))
    return tf.math.unsorted_segment_min(tf.where(scores == highest, rows, rows.dtype.max), segments, count)


def _of_piece(values, row, piece):
    """int32 [n]: the value of a piece of a window; 0 where the window is empty."""
    flat = tf.concat([values.values, [0]], axis=0)
    place = tf.gather(values.row_splits, row) + tf.cast(piece, tf.int64)
    return tf.gather(flat, tf.clip_by_value(place, 0, tf.size(flat, tf.int64) - 1))
