"""Windows, offsets and positions of the questions of SQuAD 2, as `transformers` and its run_qa.py make them."""

import numpy as np
import pytest

from bertline.processors.answering.answer_places import place_answers
from bertline.processors.answering.question_files import read_questions
from bertline.processors.layouts.base import get, make
from bertline.processors.tokenization import FullTokenizer

LENGTH, STRIDE = 384, 128


def positions(encoded, window, answer):
    """run_qa.py:prepare_train_features, stated again: the first and last token of an answer, 0 where it is outside."""
    offsets, kinds = encoded["offset_mapping"][window], encoded.sequence_ids(window)
    inside = [i for i, kind in enumerate(kinds) if kind == 1]
    first, last, start, end = inside[0], inside[-1], answer.start, answer.start + len(answer.text)
    if not (offsets[first][0] <= start and offsets[last][1] >= end):
        return 0, 0
    while first < len(offsets) and offsets[first][0] <= start:
        first += 1
    while offsets[last][1] >= end:
        last -= 1
    return first - 1, last + 1


@pytest.mark.slow
@pytest.mark.real_data
def test_features_of_all_questions_are_those_of_transformers(data_dir):
    transformers = pytest.importorskip("transformers")
    vocab_file = str(data_dir / "bert_vocabs" / "google_uncased_en_vocab.txt")
    theirs = transformers.BertTokenizerFast(vocab_file, do_lower_case=True)
    path = data_dir / "squad2_half_dev" / "dev-v2.0.json"
    questions = place_answers(read_questions(path, has_unanswerable=True), str(path))
    layout = make("questions", get("packed")(FullTokenizer(vocab_file), LENGTH), doc_stride=STRIDE, max_query_length=64)
    windows = 0
    for question, rows in zip(questions, layout.features(questions), strict=True):
        room = LENGTH - 3 - len(theirs.tokenize(question.question))
        encoded = theirs(
            question.question,
            question.context,
            truncation="only_second",
            max_length=LENGTH,
            stride=room - STRIDE,
            return_overflowing_tokens=True,
            return_offsets_mapping=True,
        )
        assert len(rows) == len(encoded["input_ids"])
        for i, row in enumerate(rows):
            assert row["input_ids"].tolist() == encoded["input_ids"][i]
            assert row["segment_ids"].tolist() == encoded["token_type_ids"][i]
            kinds = np.array(encoded.sequence_ids(i)) == 1
            assert (row["word_of_token"] >= 0).tolist() == kinds.tolist()
            assert row["offsets"][kinds].tolist() == np.array(encoded["offset_mapping"][i])[kinds].tolist()
            wanted = positions(encoded, i, question.label[0]) if question.label else (0, 0)
            assert row["answer"] == wanted, question.guid
            windows += 1
    assert len(questions) == 6078 < windows
