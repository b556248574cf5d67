"""What Predictor, TextEncoder and Client take for texts, and what they say of anything else."""

import decimal
import itertools

import numpy as np
import pytest

from bertline.errors import InputError
from bertline.processors.text.texts import check_texts
from bertline.serving import Client

WRONG = {
    "None": (None, r"texts\[1\]: None, a missing value .*dropna"),
    "NaN": (float("nan"), r"texts\[1\]: nan, a missing value .*fillna"),
    "a number": (7, r"texts\[1\]: 7, of type int; a str is needed, or a pair of str"),
    "numpy's number": (np.float32(0.5), r"texts\[1\]: 0.5, of type float"),
    "a decimal": (decimal.Decimal("1.5"), r"texts\[1\]: Decimal\('1.5'\), of type Decimal"),
    "bytes": (b"a", r"texts\[1\]: bytes \(.decode\(\)"),
    "three": (("a", "b", "c"), r"texts\[1\]: 3 texts in a row; .* a pair of str"),
    "one": (["a"], r"texts\[1\]: 1 text in a row"),
    "none": ((), r"texts\[1\]: 0 texts in a row"),
    "a pair with a hole": (("a", None), r"texts\[1\]\[1\]: None, a missing value"),
    "a pair of numbers": (np.array([1, 2]), r"texts\[1\]\[0\]: 1, of type int"),
    "a dict": ({"text": "a"}, r"texts\[1\]: \{'text': 'a'\}, of type dict"),
    "half a character": ("é\ud83d", r"texts\[1\]: character 1 is '\\ud83d', half of a surrogate pair"),
    "half a character in a pair": (("é", "\udc00"), r"texts\[1\]\[1\]: character 0 is '\\udc00'"),
}


@pytest.fixture(params=["predict", "embed", "encode", "client"])
def ask(request, predictor, tiny):
    """A function of texts; the client would have nobody to ask."""
    methods = {"predict": predictor.predict, "embed": predictor.embed, "encode": tiny.encode}
    return methods.get(request.param) or Client("http://127.0.0.1:9").predict


@pytest.mark.parametrize("name", WRONG)
def test_a_row_that_is_no_text_is_named(name, ask):
    value, message = WRONG[name]
    with pytest.raises(InputError, match=message):
        ask(["a", value])


@pytest.mark.parametrize("texts", ["a", b"a", {"a": 1}, {"a", "b"}, None, 7])
def test_what_is_no_list_of_texts(texts, ask):
    with pytest.raises(TypeError, match="a list of texts is needed"):
        ask(texts)


def test_pandas():
    pandas = pytest.importorskip("pandas")
    table = pandas.DataFrame({"text": ["a", "b"], "more": ["c", None]})
    assert list(check_texts(table["text"])) == ["a", "b"]
    assert list(check_texts(table.fillna("")[["text", "more"]].values)) == [("a", "c"), ("b", "")]
    with pytest.raises(TypeError, match="give a column"):
        check_texts(table)
    for missing in (pandas.NA, pandas.NaT, np.nan):
        with pytest.raises(InputError, match=r"texts\[1\]: \S+, a missing value"):
            list(check_texts(pandas.Series(["a", missing], dtype=object)))


def test_what_may_be_a_text():
    given = ["a", np.str_("b"), ("a", "b"), ["a", "b"], np.array(["a", "b"]), "😀"]
    assert list(check_texts(given)) == ["a", "b", *[("a", "b")] * 3, "😀"]
    endless = check_texts(itertools.repeat("a"))
    assert [next(endless) for _ in range(3)] == ["a"] * 3
    with pytest.raises(InputError, match=r"texts\[3\]: 7"):
        list(check_texts(iter(["a", "b", "c", 7])))


def test_a_single_text(predictor):
    for text in (None, ("a", "b", "c"), "\ud83d"):
        with pytest.raises(InputError, match="^text: "):
            predictor.attention(text, 0)
        with pytest.raises(InputError, match="^text: "):
            Client("http://127.0.0.1:9").attention(text)
