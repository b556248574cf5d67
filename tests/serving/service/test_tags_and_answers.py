"""Taggers and readers of answers behind HTTP: what comes is what Predictor says; the page in a real browser."""

import re

import pytest

pytest.importorskip("fastapi", reason="make serve")
from browser import text_of
from service_in_thread import running
from small_heads import reader_folder, tagger_folder

from bertline.serving import Client, Predictor
from bertline.serving.client import ServiceError
from bertline.serving.service.model import Model
from bertline.serving.service.pages import examples

TEXTS = ["a bc, Fed 北 é b? \U0001f642 d", ["ab", "c", "é"], "", "a b c " * 60]


@pytest.fixture(scope="module")
def tagger(tmp_path_factory):
    return Predictor(tagger_folder(tmp_path_factory.mktemp("tagger")))


@pytest.fixture(scope="module")
def tags_served(tagger):
    with running(Model(tagger, "tagger")) as service:
        yield service


def close(found, expected):
    """Equal, numbers up to rounding."""
    assert found.tags == expected.tags and found.words == expected.words and found.text == expected.text
    assert (found.starts, found.ends) == (expected.starts, expected.ends)
    assert found.confidences == pytest.approx(expected.confidences, abs=1e-5)
    for one, other in zip(found.entities, expected.entities, strict=True):
        assert one.score == pytest.approx(other.score, abs=1e-5)
        assert (one.type, one.text, one.start, one.end) == (other.type, other.text, other.start, other.end)


def test_tags(tags_served, tagger):
    for found, expected in zip(Client(tags_served.url).tag(TEXTS), tagger.tag(TEXTS), strict=True):
        close(found, expected)
    assert Client(tags_served.url).embed(["a b"]).shape == (1, 32), "vectors are there as well"


@pytest.mark.parametrize(
    "path, body, status, message",
    [
        ("/v1/predict", {"texts": ["a"]}, 404, "this model is for tags; /v1/tag asks it"),
        ("/v1/answer", {"questions": [{"question": "a", "context": "b"}]}, 404, "this model is for tags"),
        (
            "/v1/answer",
            {"questions": [{"question": " ", "context": "b"}]},
            422,
            r"questions\[0\]: the question is empty",
        ),
        (
            "/v1/answer",
            {"questions": [{"question": "a"}]},
            422,
            r"questions\[0\]: an object is needed that has question",
        ),
        ("/v1/tag", {"texts": ["a", ["b", 3]]}, 422, r"texts\[1\]: a string is needed, or a list of words"),
        ("/v1/tag", {"texts": []}, 422, "texts: "),
        ("/v1/tag", {"texts": ["a" * 20_001]}, 413, r"texts\[0\]: 20001 characters"),
        ("/v1/tag", {"texts": ["a", [""] * 20_001]}, 413, r"texts\[1\]: 20001 characters"),
    ],
)
def test_refusals(tags_served, path, body, status, message):
    with pytest.raises(ServiceError, match=message) as refused:
        Client(tags_served.url).request("POST", path, body)
    assert refused.value.status == status


def test_the_example_of_the_page_of_requests(tags_served):
    body, answer = examples.OF["/v1/tag"]
    found = Client(tags_served.url).request("POST", "/v1/tag", body)
    assert found["predictions"][0].keys() == answer["predictions"][0].keys()
    entity = next(one for text in found["predictions"] for one in text["entities"])
    assert entity.keys() == answer["predictions"][0]["entities"][0].keys()


@pytest.mark.slow
def test_entities_are_marked_in_their_text(look, tags_served, tagger):
    page = look(tags_served, text=TEXTS[0], second="<b>a</b>")
    assert 'data-done="yes"' in page and "5 labels" in text_of(page, "p", id="model")[0]
    for text, shown in zip(
        (TEXTS[0], "<b>a</b>"), re.findall(r'<p class="said">.*?</p>', page, re.DOTALL), strict=True
    ):
        (expected,) = tagger.tag([text])
        marks = [f"{one.text}{one.type}" for one in expected.entities]
        assert text_of(shown, "mark") == marks
        assert text_of(re.sub(r"<small>.*?</small>", "", shown), "p")[0] == text, "nothing but the marks is added"


@pytest.fixture(scope="module")
def reader(tmp_path_factory):
    return Predictor(reader_folder(tmp_path_factory.mktemp("reader"), answer_rules={"has_unanswerable": True}))


@pytest.fixture(scope="module")
def answers_served(reader):
    with running(Model(reader, "reader")) as service:
        yield service


CONTEXT = "Fed \U0001f642 (ab c), hé!  <b>i</b>\n jig d. 北京 a Bé c?"


def test_answers(answers_served, reader):
    questions = [("a b?", CONTEXT), {"question": "c", "context": CONTEXT * 5}]
    for found, expected in zip(Client(answers_served.url).answer(questions), reader.answer(questions), strict=True):
        assert (found.text, found.start, found.end) == (expected.text, expected.start, expected.end)
        assert (found.score, found.null_score) == pytest.approx((expected.score, expected.null_score), abs=1e-5)
        assert [one["text"] for one in found.nbest] == [one["text"] for one in expected.nbest]
    body, answer = examples.OF["/v1/answer"]
    [one] = Client(answers_served.url).request("POST", "/v1/answer", body)["answers"]
    assert (
        one.keys() == answer["answers"][0].keys() and one["nbest"][0].keys() == answer["answers"][0]["nbest"][0].keys()
    )


def test_the_answer_is_marked_in_its_context(look, answers_served, reader):
    [expected] = reader.answer([("a b?", CONTEXT)])
    page = look(answers_served, text=CONTEXT, second="a b?")
    assert 'data-done="yes"' in page and "finds answers" in text_of(page, "p", id="model")[0]
    assert text_of(page, "label", id="second-label") == ["Question"]
    shown = re.search(r'<div id="answer-context".*?</div>', page, re.DOTALL)[0]
    assert text_of(shown, "div") == [CONTEXT] and text_of(shown, "mark") == ([expected.text] if expected.text else [])
    assert expected.text in text_of(page, "p", id="answer-words")[0] and expected.text
