"""Predictor on rankers of candidates, against each pair by itself and a softmax stated again."""

import warnings

import numpy as np
import pytest
import tensorflow as tf
from small_heads import ranker_folder

from bertline.errors import InputError
from bertline.serving import Predictor
from bertline.serving.texts.truncation import TruncationWarning

QUERIES = [
    ("a b?", ("c", "fed c", "", "a b c d", "北 é")),  # more candidates than a row has
    ("", ("a", "b a")),
    ("c d", ("a",)),
    ("e", ("b c", "b c", "d")),  # equal ones stay in their order
]


@pytest.fixture(scope="module")
def ranker(tmp_path_factory):
    return Predictor(ranker_folder(tmp_path_factory.mktemp("ranker")), warm_up=True)


def restated(predictor, query, candidates):
    """(probabilities, best first, and the places of the candidates), pair by pair."""
    head, tokenizer, scores = predictor.objective, predictor.tokenizer, []
    for candidate in candidates:
        first = ["[CLS]", *tokenizer.tokenize(query), "[SEP]"]
        second = [*tokenizer.tokenize(candidate), "[SEP]"] if candidate else []
        ids = [tokenizer.convert_tokens_to_ids(first + second)]
        features = {
            "input_ids": ids,
            "input_mask": [[1] * len(ids[0])],
            "segment_ids": [[0] * len(first) + [1] * len(second)],
        }
        pooled = head.encoder({name: tf.constant(value) for name, value in features.items()})["pooled_output"].numpy()
        scores.append(float(pooled[0] @ head.ranking_weights.numpy()[0] + head.ranking_bias.numpy()[0]))
    powers = np.exp(scores)
    places = sorted(range(len(scores)), key=lambda i: -round(scores[i], 4))
    return (powers / powers.sum())[places], places


def test_candidates_in_the_order_of_their_own_scores(ranker):
    for (query, candidates), found in zip(QUERIES, ranker.rank(QUERIES), strict=True):
        probabilities, places = restated(ranker, query, candidates)
        assert list(found.places) == places and found.candidates == tuple(candidates[i] for i in places)
        np.testing.assert_allclose(found.probabilities, probabilities, atol=1e-5)
    as_dicts = [{"query": query, "candidates": list(candidates)} for query, candidates in QUERIES]
    assert ranker.predict(as_dicts) == ranker.rank(QUERIES) and ranker.rank([]) == []


def test_who_is_told_of_what_was_not_read(ranker):
    """[CLS] query [SEP] candidate [SEP]: the last pair that has room, in the second row of its query, and one more."""
    room = ranker.max_seq_length - 3 - len("abcd")
    fits, too_long = ("a b c d", ["a", "b", "c", "d " * room]), ("a b c d", ["a", "b", "c", "d " * (room + 1)])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        [whole] = ranker.rank([fits])
    with pytest.warns(TruncationWarning, match=r"^1 of 2 queries is longer than .*; the first is queries\[1\]"):
        first, second = ranker.rank([fits, too_long])
    assert [one.truncated for one in (whole, first, second)] == [False, False, True]


@pytest.mark.parametrize(
    "given, message",
    [
        ("a", r"queries\[1\]: a query and a list of candidates are needed, one candidate at least"),
        (("a", "b"), r"queries\[1\]: a query and a list of candidates are needed"),
        (("a", []), r"queries\[1\]: a query and a list of candidates are needed"),
        ({"query": "a"}, r"queries\[1\]: a query and a list of candidates are needed"),
        ((None, ["a"]), r"queries\[1\]: the query is None, a missing value"),
        (("a", ["b", ("c", "d")]), r"queries\[1\]: candidate 1 is \('c', 'd'\), of type tuple; a str is needed"),
        (("a", ["\ud83d"]), r"queries\[1\]: candidate 0: character 0 is '\\ud83d', half of a surrogate pair"),
    ],
)
def test_what_is_no_query(ranker, given, message):
    with pytest.raises(InputError, match=message) as refused:
        ranker.rank([("a", ["b"]), given])
    assert "\n" not in str(refused.value)


def test_another_verb_says_which_one_the_model_has(ranker):
    with pytest.raises(InputError, match="a model for ranking, which has no answer; call rank$"):
        ranker.answer([("a", "b")])
