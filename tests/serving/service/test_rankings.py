"""Rankers of candidates behind HTTP: what comes is what Predictor says; the page in a real browser."""

import concurrent.futures
import functools
import json
import re
import shlex

import pytest

pytest.importorskip("fastapi", reason="make serve")
from browser import text_of
from patience import PATIENCE
from service_in_thread import Held, running
from small_heads import ranker_folder

from bertline.serving import Client, Predictor
from bertline.serving.client import ServiceError
from bertline.serving.service.model import Model
from bertline.serving.service.pages import examples
from bertline.serving.texts.truncation import TruncationWarning

QUERIES = [("a b?", ["c", "fed 北", "", "a b c d", "é \U0001f642"]), {"query": "", "candidates": ["a", "b a"]}]


@pytest.fixture(scope="module")
def ranker(tmp_path_factory):
    return Predictor(ranker_folder(tmp_path_factory.mktemp("ranker")))


@pytest.fixture(scope="module")
def rankings_served(ranker):
    with running(Model(ranker, "ranker"), max_texts=8) as service:
        yield service


def test_rankings(rankings_served, ranker):
    """The second part of what the client cuts in two is a query of its own: of 5 + 2 + 5 candidates 8 go at once."""
    queries = [*QUERIES, QUERIES[0]]
    for found, expected in zip(Client(rankings_served.url).rank(queries), ranker.predict(queries), strict=True):
        assert (found.candidates, found.places) == (expected.candidates, expected.places)
        assert found.probabilities == pytest.approx(expected.probabilities, abs=1e-5)
    body, answer = examples.OF["/v1/rank"]
    found = Client(rankings_served.url).request("POST", "/v1/rank", body)
    [one], [shown] = found["rankings"], answer["rankings"]
    assert found.keys() == answer.keys() and one.keys() == shown.keys()
    assert [body["queries"][0]["candidates"][place] for place in shown["places"]] == shown["candidates"]


def asked(**query):
    return {"queries": [{"query": "a", "candidates": ["b"]}, query]}


NEEDED = r"^\S+ 422: queries\[1\]: an object is needed that has query, a string, and candidates, a list of one string"


@pytest.mark.parametrize(
    "path, body, status, message",
    [
        ("/v1/rank", asked(query="a", candidates=[]), 422, NEEDED),
        ("/v1/rank", asked(query="a", candidates="b"), 422, NEEDED),
        ("/v1/rank", asked(query="a"), 422, NEEDED),
        ("/v1/rank", asked(query=None, candidates=["b"]), 422, NEEDED),
        ("/v1/rank", asked(query="a", candidates=["b", 3]), 422, NEEDED),
        ("/v1/rank", asked(query="a", candidates=["b"], top=1), 422, NEEDED),
        ("/v1/rank", {"queries": []}, 422, "queries: "),
        ("/v1/rank", {"queries": "a"}, 422, "queries: .*; known fields: queries$"),
        ("/v1/rank", {**asked(query="a", candidates=["b"]), "top": 1}, 422, "top: .*; known fields: queries$"),
        ("/v1/rank", asked(query="a" * 10_001, candidates=["b" * 5000] * 2), 413, r"queries\[1\]: 20001 characters"),
        ("/v1/rank", asked(query="a", candidates=[""] * 8), 413, "queries: 9 candidates in all, at most 8 in a"),
        ("/v1/predict", {"texts": ["a"]}, 404, "this model is for ranking; /v1/rank asks it$"),
    ],
)
def test_refusals(rankings_served, path, body, status, message):
    with pytest.raises(ServiceError, match=message) as refused:
        Client(rankings_served.url).request("POST", path, body)
    assert refused.value.status == status and "\n" not in str(refused.value)


def test_a_query_waits_as_all_of_its_candidates(ranker):
    """Five wait; of two more the first has room, the second has none."""
    held, bodies = Held(ranker), [asked(query="a", candidates=["b"] * count) for count in (2, 4, 1, 2)]
    limits = {"max_texts": 5, "max_queue_texts": 7, "max_batch_delay_ms": 20_000}
    with running(held, **limits) as service, concurrent.futures.ThreadPoolExecutor() as threads:
        ask = functools.partial(Client(service.url, patience_seconds=0).request, "POST", "/v1/rank")
        waiting = [threads.submit(ask, bodies[0])]
        assert held.begun.acquire(timeout=PATIENCE)  # the service is busy
        for body, count in ((bodies[1], 5), (bodies[2], 7)):
            waiting.append(threads.submit(ask, body))
            service.wait_for(lambda count=count: service.metric("queue_texts") == count)
        with pytest.raises(ServiceError, match="429: 7 texts wait, at most 7 may"):
            ask(bodies[3])
        held.may_go.set()
        assert [len(one.result(PATIENCE)["rankings"]) for one in waiting] == [2, 2, 2]


def test_a_query_has_the_tokens_of_all_its_pairs(ranker):
    """16 letters of query and candidate are about 2 + 16 / 4 tokens; no pair has more than the model reads."""
    model = Model(ranker, "ranker")
    assert model.tokens_about(("a" * 10, ["b" * 6, "c" * 6])) == 2 * 6
    assert model.tokens_about(("a" * 10, ["b" * 9000, "c" * 6])) == ranker.max_seq_length + 6


@pytest.mark.slow
def test_the_page_shows_candidates_best_first(look, rankings_served, ranker):
    query, candidates = "a b?", ["c <b>d</b>", "fed 北", 'it\'s "a" b c d']
    [expected] = ranker.rank([(query, candidates)])
    page = look(rankings_served, text=query, second="\n".join([*candidates[:2], " ", candidates[2], ""]))
    assert 'data-done="yes"' in page and "ranks candidates" in text_of(page, "p", id="model")[0]
    assert text_of(page, "label", id="text-label") == ["Query"]
    assert text_of(page, "label", id="second-label") == ["Candidates, one a line"]
    assert re.search(r'<textarea id="second"[^>]* required', page)
    assert re.findall(r'<section id="(\w+)" hidden', page) == ["labels", "tags", "answer", "similarity"]
    assert '<p id="pair-line" hidden' in page
    shown = re.search(r'<div id="ranking-table".*?</table>', page, re.DOTALL)[0]
    assert text_of(shown, "caption") == [f"“{query}”"] and text_of(shown, "th") == list(expected.candidates)
    assert text_of(shown, "td", **{"class": "number"}) == [f"{100 * p:.1f}\u00a0%" for p in expected.probabilities]
    assert text_of(re.search(r'<tr class="first">.*?</tr>', shown)[0], "th") == [expected.candidates[0]]
    tokens, heads = ranker.attention((query, candidates[0]), 0)
    assert text_of(page, "title")[1] == f"[CLS] → [CLS]: {100 * heads.mean(axis=0)[0, 0]:.1f}\u00a0%"
    rank, embed = map(shlex.split, text_of(page, "pre"))
    assert rank[1] == f"{rankings_served.url}/v1/rank" and embed[1].endswith("/v1/embed")
    assert json.loads(rank[-1]) == {"queries": [{"query": query, "candidates": candidates}]}


def test_what_was_not_read_is_said_and_counted(look, rankings_served, ranker):
    too_long = ("a", ["b", "c " * ranker.max_seq_length])
    before = rankings_served.metric("truncated_texts_total")
    with pytest.warns(TruncationWarning, match=r"1 of 2 queries is .* the first is queries\[1\]"):
        found = Client(rankings_served.url).rank([QUERIES[0], too_long])
    assert [one.truncated for one in found] == [False, True]
    assert rankings_served.metric("truncated_texts_total") == before + 1
    page = look(rankings_served, text=too_long[0], second="\n".join(too_long[1]))
    said = "Only the beginning of the query with one of its candidates was read"
    assert text_of(page, "p", **{"class": "cut"})[0].startswith(said)


def test_an_example_of_the_page(look, rankings_served):
    page = look(rankings_served, example=1)
    shown = re.search(r'<div id="ranking-table".*?</table>', page, re.DOTALL)[0]
    assert 'data-done="yes"' in page and len(text_of(shown, "th")) == 3
    assert text_of(page, "button", type="button")[:2] == ["a query", "中文"]
