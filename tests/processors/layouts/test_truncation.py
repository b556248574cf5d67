"""What remains of texts that are too long, against plain slices of their tokens; Chinese texts too."""

import hypothesis
import hypothesis.strategies as st
import numpy as np
import pytest
from plain_truncation import PLAIN, WORDS, letters

from bertline.errors import InputError
from bertline.processors.base import InputExample
from bertline.processors.layouts.candidates import CandidateRows
from bertline.processors.layouts.document_windows import DocumentWindows
from bertline.processors.layouts.packed import Packed
from bertline.processors.layouts.separate import Separate
from bertline.processors.layouts.truncation import Truncation, saved_truncation

settings = hypothesis.settings(max_examples=40, deadline=None)


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory):
    return letters(tmp_path_factory.mktemp("vocab") / "vocab.txt")


def read(tokenizer, length, truncation, first, second=None):
    """(tokens, uncut length or None) of a row."""
    example = InputExample("x", " ".join(first), None if second is None else " ".join(second))
    [[row]] = Packed(tokenizer, length, truncation).features([example])
    return tokenizer.convert_ids_to_tokens(row["input_ids"].tolist()), row.get("uncut_length")


texts = st.lists(st.sampled_from(WORDS), max_size=40)


@pytest.mark.parametrize("part", PLAIN)
@settings
@hypothesis.given(texts, st.integers(3, 30))
def test_a_text_is_a_slice(tokenizer, part, text, length):
    tokens, uncut_length = read(tokenizer, length, Truncation(part), text)
    kept = min(len(text), length - 2)
    assert tokens == ["[CLS]", *PLAIN[part](text, kept), "[SEP]"]
    assert uncut_length == (len(text) + 2 if len(text) > kept else None)


def cut_pair(text, first, second, room):
    """Tokens that remain of a pair, by popping them one by one."""
    first, second = first[:], second[:]
    while len(first) + len(second) > room:
        longer = first if len(first) > len(second) else second
        chosen = {"longest": longer, "a": first or second, "b": second or first}[text]
        chosen.pop()
    return len(first), len(second)


@pytest.mark.parametrize("part", PLAIN)
@pytest.mark.parametrize("text", ("longest", "a", "b"))
@settings
@hypothesis.given(texts, texts.filter(len), st.integers(4, 30))
def test_a_pair_is_cut_in_the_text_that_is_said(tokenizer, part, text, first, second, length):
    tokens, _ = read(tokenizer, length, Truncation(part, text), first, second)
    kept_a, kept_b = cut_pair(text, first, second, length - 3)
    behind = [*PLAIN[part](second, kept_b), "[SEP]"] if kept_b else []
    assert tokens == ["[CLS]", *PLAIN[part](first, kept_a), "[SEP]", *behind]


def test_head_and_tail_of_the_paper():
    """Sun et al. 2019: of 510 tokens the first 128 and the last 382."""
    truncation, ids = Truncation("head_tail"), np.arange(2000)
    kept = truncation.cut(ids, np.array([0, 2000]), np.array([510]))
    assert kept.tolist() == [*range(128), *range(2000 - 382, 2000)]


def test_the_graph_cuts_as_numpy_does(tokenizer):
    import tensorflow as tf

    draw = np.random.default_rng(0)
    first, second = (
        [draw.integers(5, 21, size).astype(np.int32).tolist() for size in sizes]
        for sizes in ((0, 3, 9, 30, 12, 1), (4, 0, 30, 9, 12, 40))
    )
    for part in PLAIN:
        for text in ("longest", "a", "b"):
            layout = Packed(tokenizer, 16, Truncation(part, text))
            for pair in ((first, None), (first, second)):
                ragged = [None if one is None else tf.ragged.constant(one, dtype=tf.int32) for one in pair]
                found = layout.graph_form()(*ragged)
                flat = [one and (np.concatenate(one).astype(np.int32), np.cumsum([0, *map(len, one)])) for one in pair]
                rows = layout.pack(*flat)
                for i in range(len(first)):
                    real = found["input_mask"][i].numpy() > 0
                    for name, values in rows.row(i).items():
                        assert found[name][i].numpy()[real].tolist() == values.tolist(), (part, text, i, name)


def test_the_default_is_berts_and_leaves_no_trace(tokenizer):
    layout = Packed(tokenizer, 16)
    assert layout.config_entries() == {}
    assert layout.fingerprint() == ["packed", 16, tokenizer.fingerprint()]
    assert Packed(tokenizer, 16, Truncation("tail")).fingerprint() != layout.fingerprint()


@pytest.mark.parametrize("truncation", (Truncation(), Truncation("head_tail", "b")))
def test_a_folder_keeps_it(truncation, tokenizer):
    own = Packed(tokenizer, 16, truncation)
    for layout in (own, DocumentWindows(own), Separate(own), CandidateRows(own)):
        assert saved_truncation(layout.config_entries()) == truncation, layout.name


@pytest.mark.parametrize("entry", ("tail", {"part": "middle", "text": "a"}, {"part": "tail"}, None))
def test_a_damaged_folder_is_refused(entry):
    with pytest.raises(InputError, match="text_truncation is"):
        saved_truncation({"text_truncation": entry})
