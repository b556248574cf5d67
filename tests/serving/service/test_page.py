"""The page at / in a real browser, which fills its form from what follows # in the address."""

import html
import json
import re
import shlex

import numpy as np
import pytest

pytest.importorskip("fastapi", reason="make serve")
from browser import text_of
from service_in_thread import running

from bertline.processors.labels.base import make_labels
from bertline.serving import Client
from bertline.serving.service.app import PAGE
from bertline.serving.service.model import Model
from bertline.serving.service.pages import examples, openapi_page


def picture(page):
    """The part of the page that shows attention."""
    return re.search(r'<div id="picture".*?</svg>', page, re.DOTALL)[0]


def test_labels_similarity_and_attention(look, served, predictor):
    texts = ["a b, c", "fed é 北?"]
    page = look(served, text=texts[0], second=texts[1], layer=2, head=1)
    assert 'data-done="yes"' in page and text_of(page, "p", id="status") == [""]
    for text, table in zip(texts, re.findall(r"<table><caption>.*?</table>", page, re.DOTALL), strict=False):
        (prediction,) = predictor.predict([text])
        assert text in text_of(table, "caption")[0]
        ranked = sorted(prediction.probabilities.items(), key=lambda item: -item[1])
        assert text_of(table, "th", scope="row") == [label for label, _ in ranked]
        assert text_of(table, "td", **{"class": "number"}) == [f"{100 * p:.1f}\u00a0%" for _, p in ranked]
        assert text_of(re.search(r'<tr class="first">.*?</tr>', table)[0], "th") == [prediction.label]
    a, b = predictor.embed(texts, normalize=True)
    assert text_of(page, "strong", id="cosine") == [f"{float(np.dot(a, b)):.4f}"]
    tokens, heads = predictor.attention(texts[0], 1)
    titles = text_of(page, "title")[1:]  # the first one is the page's
    assert titles == [
        f"{tokens[i]} → {tokens[j]}: {100 * heads[0, i, j]:.1f}\u00a0%"
        for i in range(len(tokens))
        for j in range(len(tokens))
    ]
    assert picture(page).count("<rect") == len(tokens) ** 2


def test_a_pair(look, served, predictor):
    page = look(served, text="a b", second="c", pair=1)
    (prediction,) = predictor.predict([("a b", "c")])
    (table,) = re.findall(r"<table><caption>.*?</table>", page, re.DOTALL)
    assert text_of(re.search(r'<tr class="first">.*?</tr>', table)[0], "th") == [prediction.label]
    assert text_of(table, "caption") == ["“a b” and “c”"]
    tokens, heads = predictor.attention(("a b", "c"), 0)
    assert tokens == ["[CLS]", "a", "b", "[SEP]", "c", "[SEP]"]
    assert text_of(page, "title")[1] == f"[CLS] → [CLS]: {100 * heads.mean(axis=0)[0, 0]:.1f}\u00a0%"


def test_what_is_long_is_folded(look, predictor, monkeypatch):
    """A long text, whose end was not read; twelve labels, of which five are seen; attention of the second text."""
    names = [f"label {letter}" for letter in "abcdefghijkl"]
    rows = np.linspace(0.2, 0.01, 12, dtype=np.float32)[None].repeat(2, 0)
    monkeypatch.setattr(predictor, "labels", make_labels("single_label_classification", names))
    monkeypatch.setattr(
        type(predictor), "probabilities", lambda *_, return_truncated=False, **more: (rows, np.array([True, False]))
    )
    long = "北京 a b c " * 40
    with running(Model(predictor, "small")) as service:
        page = look(service, text=long, second="d e", whose=2)
    assert 'data-done="yes"' in page
    first, second = re.findall(r"<table><caption>.*?</table>.*?</div>", page, re.DOTALL)
    assert text_of(first, "summary")[0] == "“" + "北京 a b c " * 9 + "…”", "100 letters, where 北 counts as two"
    assert text_of(first, "div", **{"class": "whole"}) == [long]
    assert text_of(first, "p", **{"class": "cut"}) == ["Only the beginning of the text was read, up to 64 tokens."]
    assert "<details>" not in second and "Only the beginning" not in second
    seen, rest = re.findall(r"<tbody.*?</tbody>", first)
    assert text_of(seen, "th") == names[:5] and text_of(rest, "th") == names[5:]
    assert rest.startswith('<tbody hidden="">') and text_of(first, "button") == ["7 more"]
    assert "Only the beginning of the first text was read" in text_of(page, "div", id="similarity-cut")[0]
    tokens, _ = predictor.attention("d e", 0)
    assert (
        picture(page).count("<rect") == len(tokens) ** 2 and text_of(page, "select", id="whose")[0].count("text") == 2
    )


def test_what_to_type_for_the_same(look, served, predictor):
    """Run as the page shows it, by a shell."""
    text = """it's "a" $HOME \\ é"""
    page = look(served, text=text, second="b")
    predict, embed = text_of(page, "pre")
    assert predict.startswith(f"curl {served.url}/v1/predict ") and embed.startswith(f"curl {served.url}/v1/embed ")
    arguments = shlex.split(predict)
    assert arguments[2:4] == ["-H", "Content-Type: application/json"] and arguments[4] == "-d"
    assert json.loads(arguments[5]) == {"texts": [text, "b"]}


def test_a_click_on_an_example(look, served):
    page = look(served, example=3)
    assert 'data-done="yes"' in page and text_of(page, "caption") == ["“我的包裹在哪里？”", "“我的订单已经发货了吗？”"]


def test_a_model_without_labels_and_attention(look, predictor, monkeypatch):
    monkeypatch.setattr(predictor, "labels", None)
    monkeypatch.setattr(type(predictor), "attention_sizes", lambda self: (0, 0))
    with running(Model(predictor, "vectors")) as service:
        page = look(service, text="a", second="b")
    assert 'data-done="yes"' in page and "vectors only" in text_of(page, "p", id="model")[0]
    hidden = re.findall(r'<section id="(\w+)" hidden', page)
    assert hidden == ["labels", "tags", "answer", "ranking", "attention"] and len(text_of(page, "pre")) == 1


def test_the_page_of_requests(served):
    """Its examples are bodies that the service takes, and answers of their shape."""
    other_heads = ("/v1/tag", "/v1/answer", "/v1/rank")  # see test_tags_and_answers.py and test_rankings.py
    for path, (body, answer) in examples.OF.items():
        if path in other_heads:
            continue
        found = Client(served.url).request("POST", path, body)
        assert shape(found, path) == shape(answer, path)
    documentation = openapi_page.page(served.service.app.openapi())
    assert json.dumps(examples.OF["/v1/predict"][0]["texts"][0]) in html.unescape(documentation)
    assert '"score": null' in html.unescape(documentation)


def shape(answer, path):
    """What is left of an answer where numbers, names and counts may differ."""
    if path == "/v1/predict":
        return [{name: type(value) for name, value in one.items()} for one in answer["predictions"]]
    return {name: type(value) for name, value in answer.items()}


def test_texts_are_texts(look, served):
    evil = "<img src=x onerror=document.title='broken'><script>document.title='broken'</script> \"'&amp;"
    page = look(served, text=evil, second="</textarea><h1>broken</h1>")
    assert 'data-done="yes"' in page and "<title>Bertline</title>" in page
    assert "<img" not in page and "<h1>broken" not in page and "&lt;img src=x" in page
    assert evil in text_of(page, "caption")[0]


def test_a_service_with_a_token_says_what_it_wants(look, predictor):
    with running(Model(predictor, "small"), token="correct-horse-battery") as service:
        page = look(service, text="a")
    assert 'data-done="no"' in page and "wants a token" in text_of(page, "p", id="status")[0]


def test_it_needs_nothing_from_elsewhere(served):
    text = PAGE.read_text(encoding="utf-8")
    addresses = set(re.findall(r"https?://[^\"' ]+", text))
    assert addresses == {"http://www.w3.org/2000/svg"}, "the name of SVG, which is no address"
    assert not re.search(r"<script[^>]+src|<link[^>]+stylesheet|@import|url\(|innerHTML|insertAdjacentHTML", text)
    import http.client

    connection = http.client.HTTPConnection("127.0.0.1", served.port)
    connection.request("GET", "/")
    response = connection.getresponse()
    policy = response.headers["content-security-policy"]
    assert "default-src 'none'" in policy and "unsafe" not in policy and "connect-src 'self'" in policy
    assert response.read().decode() == text
    connection.close()
    labels, fields = set(re.findall(r'<label[^>]* for="(\w+)"', text)), re.findall(r'<textarea id="(\w+)"', text)
    assert labels >= set(fields) and json.dumps(fields) == '["text", "second"]'
