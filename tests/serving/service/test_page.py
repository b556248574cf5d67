"""The page at / in a real browser, which fills its form from what follows # in the address."""

import html
import json
import re
import shutil
import subprocess
import urllib.parse

import numpy as np
import pytest
from patience import PATIENCE

pytest.importorskip("fastapi", reason="make serve")
from service_in_thread import running

from serving.service.app import PAGE
from serving.service.model import Model

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--dump-dom",
    "--virtual-time-budget=20000",
]  # fmt: skip


@pytest.fixture(scope="module")
def look(tmp_path_factory):
    """look(service, field=value...) -> the page's elements, HTML, after its script has done its work."""
    if BROWSER is None:
        pytest.skip("no chromium here")

    def page(service, **fields):
        profile = tmp_path_factory.mktemp("browser")
        address = f"{service.url}/#{urllib.parse.urlencode(fields)}"
        command = [BROWSER, *FLAGS, f"--user-data-dir={profile}", address]
        seen = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE)
        assert "<body" in seen.stdout, seen.stderr[-2000:]
        return re.sub(r"<script>.*?</script>", "", seen.stdout, flags=re.DOTALL)

    return page


def text_of(page, tag, **attributes):
    """The texts of all elements of a kind."""
    wanted = "".join(f'[^>]*{name}="{value}"' for name, value in attributes.items())
    found = re.findall(rf"<{tag}\b{wanted}[^>]*>(.*?)</{tag}>", page, re.DOTALL)
    return [html.unescape(re.sub(r"<[^>]+>", "", one)) for one in found]


def test_labels_similarity_and_attention(look, served, predictor):
    texts = ["a b, c", "fed é 北?"]
    page = look(served, text=texts[0], second=texts[1], layer=2, head=1)
    assert 'data-done="yes"' in page and text_of(page, "p", id="status") == [""]
    for text, table in zip(texts, re.findall(r"<table><caption>.*?</table>", page, re.DOTALL), strict=False):
        (prediction,) = predictor.predict([text])
        assert text in text_of(table, "caption")[0]
        ranked = sorted(prediction.probabilities.items(), key=lambda item: -item[1])
        assert text_of(table, "th", scope="row") == [label for label, _ in ranked]
        assert text_of(table, "td", **{"class": "number"}) == [f"{100 * p:.1f} %" for _, p in ranked]
        assert text_of(re.search(r'<tr class="first">.*?</tr>', table)[0], "th") == [prediction.label]
    a, b = predictor.embed(texts, normalize=True)
    assert text_of(page, "strong", id="cosine") == [f"{float(np.dot(a, b)):.4f}"]
    tokens, heads = predictor.attention(texts[0], 1)
    titles = text_of(page, "title")[1:]  # the first one is the page's
    assert titles == [
        f"{tokens[i]} → {tokens[j]}: {100 * heads[0, i, j]:.1f} %"
        for i in range(len(tokens))
        for j in range(len(tokens))
    ]
    assert page.count("<rect") == len(tokens) ** 2


def test_a_pair(look, served, predictor):
    page = look(served, text="a b", second="c", pair=1)
    (prediction,) = predictor.predict([("a b", "c")])
    (table,) = re.findall(r"<table><caption>.*?</table>", page, re.DOTALL)
    assert text_of(re.search(r'<tr class="first">.*?</tr>', table)[0], "th") == [prediction.label]
    tokens, heads = predictor.attention(("a b", "c"), 0)
    assert tokens == ["[CLS]", "a", "b", "[SEP]", "c", "[SEP]"]
    assert text_of(page, "title")[1] == f"[CLS] → [CLS]: {100 * heads.mean(axis=0)[0, 0]:.1f} %"


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
