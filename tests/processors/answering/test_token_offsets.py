"""Where in a text its tokens lie: as the library `tokenizers` says, and by what must hold for any text."""

import json

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bertline.processors.answering.token_offsets import token_offsets
from bertline.processors.layouts.questions import context_pieces
from bertline.processors.tokenization import FullTokenizer, load_tokenizer


@pytest.fixture(scope="module")
def wordpiece(data_dir):
    return FullTokenizer(data_dir / "bert_vocabs" / "google_uncased_en_vocab.txt")


def contexts(data_dir, name):
    with open(data_dir / name, encoding="utf-8") as file:
        return [one["context"] for article in json.load(file)["data"] for one in article["paragraphs"]]


@pytest.mark.real_data
@pytest.mark.parametrize(
    "name, share", [("squad2_half_dev/dev-v2.0.json", 1.0), ("cmrc2018/cmrc2018_trial.json", 0.9999)]
)
def test_transformers_gives_the_same_places(wordpiece, data_dir, name, share):
    """Of the few others: marks that the library drops belong to the letter before them here."""
    transformers = pytest.importorskip("transformers")
    theirs = transformers.BertTokenizerFast(wordpiece.vocab_file, do_lower_case=True)
    same = []
    for context in contexts(data_dir, name)[:100]:
        pieces = context_pieces(context, wordpiece)
        wanted = theirs(context, add_special_tokens=False, return_offsets_mapping=True)
        assert pieces.ids.tolist() == wanted["input_ids"]
        same.append((pieces.offsets == np.array(wanted["offset_mapping"])).all(axis=1))
    assert np.concatenate(same).mean() >= share


@pytest.mark.real_data
@settings(max_examples=80, deadline=None)
@given(text=st.text(max_size=40) | st.text("aÉß中文（）͡あぁ\u0301\u200b\u3000 龘[UNK]#☃İ", max_size=20))
@example(text="\uae29")
def test_any_text_has_its_tokens_in_order_and_whole(wordpiece, text):
    pieces = context_pieces(text, wordpiece)
    begins, ends = pieces.offsets.T
    assert (begins <= ends).all() and (ends <= len(text)).all()
    assert (np.diff(begins) >= 0).all() and (np.diff(ends) >= 0).all()
    for (begin, end), token in zip(pieces.offsets, wordpiece.convert_ids_to_tokens(pieces.ids)):
        part = text[begin:end]
        if token != "[UNK]":
            letters, piece = "".join(wordpiece.basic_tokenizer.tokenize(part)), token.removeprefix("##")
            # A syllable of Hangul is several letters, which may be cut: each piece has the place of all.
            assert piece == letters or token == "##" or (end - begin == 1 and piece in letters)


def test_marks_controls_and_unknown_words(tmp_path):
    (tmp_path / "vocab.txt").write_text("\n".join(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "caf", "##e", "(", ")", "x"]))
    tokenizer = load_tokenizer(tmp_path / "vocab.txt", do_lower_case=True)

    def parts(text):
        return [text[begin:end] for begin, end in token_offsets(text, tokenizer.tokenize(text), tokenizer)]

    assert parts("CAFE\u0301)") == ["CAF", "E\u0301", ")"]
    assert parts("(Caf\u00e9\u00ad") == ["(", "Caf", "\u00e9"]
    assert parts("(Quai) x") == ["(", "Quai", ")", "x"]
    assert parts("龘龘x") == ["龘", "龘", "x"]


@pytest.mark.parametrize(
    "text, tokens, places",
    [
        ("na\u00efve fish", ["na", "\u00c3\u00af", "ve", "\u0120fi", "sh"], [(0, 2), (2, 3), (3, 5), (6, 8), (8, 10)]),
    ],
)
def test_pieces_of_bytes(text, tokens, places):
    from bertline.processors.tokenizers.bpe import BytePairTokenizer
    from bertline.processors.tokenizers.rules.byte_words import CHARACTER_OF_BYTE

    tokenizer = BytePairTokenizer({one: i for i, one in enumerate([*CHARACTER_OF_BYTE, *tokens])}, [], "bytes")
    assert token_offsets(text, tokens, tokenizer).tolist() == [list(place) for place in places]
