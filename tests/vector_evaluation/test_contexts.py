"""Where a word stands in a file of contexts, and which of them are near each other."""

import numpy as np
import pytest

from bertline.errors import InputError
from bertline.vector_evaluation.contexts import Neighbours, in_two_dimensions, read_occurrences, share_by_chance


@pytest.fixture
def contexts(tmp_path):
    def write(*lines):
        path = tmp_path / "contexts.txt"
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return str(path)

    return write


def test_words_are_found_in_any_case_and_form(contexts):
    path = contexts("The Bank of the bank, a riverbank.", "nothing here", "two  banks' money", "银行 in 我的银行里")
    found = read_occurrences(path, "bank,banks")
    assert [one.marked for one in found] == [
        "The [Bank] of the bank, a riverbank.",
        "The Bank of the [bank], a riverbank.",
        "two  [banks]' money",
    ]
    assert [one.line for one in found] == [1, 1, 3] and {one.sense for one in found} == {None}
    assert all("".join(one.words[one.first : one.after]).lower() in ("bank", "banks") for one in found)
    # The rules make a word of each ideograph.
    several = read_occurrences(path, "银行")
    assert [one.marked for one in several] == ["[银行] in 我的银行里", "银行 in 我的[银行]里"]
    assert several[0].after - several[0].first == 2
    assert found[1].shorten(5) == "... the [bank], a r..."


def test_senses_stand_before_a_tab(contexts):
    found = read_occurrences(contexts("river\ta bank", "money\tthe bank", "river\tbank!"), "bank")
    assert [one.sense for one in found] == ["river", "money", "river"]
    assert share_by_chance(found) == pytest.approx((0.5 + 0.0 + 0.5) / 3)
    vectors = np.array([[1.0, 0.1], [0.0, 2.0], [3.0, 0.0]])
    assert Neighbours.of("m", vectors).right_senses(found) == pytest.approx(2 / 3)


def test_what_cannot_be_compared_is_one_line(contexts):
    with pytest.raises(InputError, match=r"contexts.txt: 1 occurrence\(s\) of 'bank'; two at least"):
        read_occurrences(contexts("a bank", "other"), "bank")
    with pytest.raises(InputError, match=r"contexts.txt:2: no sense before a tab, other lines have one"):
        read_occurrences(contexts("river\ta bank", "the bank"), "bank")


def test_neighbours_by_the_cosine_equally_near_ones_by_line():
    from scipy.spatial.distance import cdist

    vectors = np.random.default_rng(0).normal(size=(7, 5))
    found, distances = Neighbours.of("m", vectors), cdist(vectors, vectors, "cosine")
    for i, row in enumerate(found.order):
        assert row.tolist() == [j for j in np.argsort(distances[i]) if j != i]
        np.testing.assert_allclose(found.cosines[i], 1 - distances[i], atol=1e-6)
    same = Neighbours.of("m", np.ones([4, 3]))
    assert not same.tells_apart and same.order.tolist() == [[1, 2, 3], [0, 2, 3], [0, 1, 3], [0, 1, 2]]


def test_two_principal_components():
    from sklearn.decomposition import PCA

    vectors = np.random.default_rng(1).normal(size=(9, 6)) * np.arange(1, 7)
    np.testing.assert_allclose(np.abs(in_two_dimensions(vectors)), np.abs(PCA(2).fit_transform(vectors)), atol=1e-6)
    assert in_two_dimensions(np.ones([3, 1])).shape == (3, 2)
