"""Rows of parts with vocabularies of their own, and where their first pieces stand, by words put together by hand."""

import numpy as np
import pytest
import small_models
import tensorflow as tf

from bertline.errors import InputError
from bertline.modeling.encoders.composed.stacked import StackedConfig
from bertline.processors.base import InputExample, TaggedWords
from bertline.processors.corpora.making.instance_records import Manifest
from bertline.processors.corpora.reader import CorpusReader
from bertline.processors.labels.base import make_labels
from bertline.processors.layouts.base import make, own_layout
from bertline.processors.layouts.packed import Packed
from bertline.processors.records import batches, record_files
from bertline.processors.tokenization import load_tokenizer

WORDS = ("the", "cats", "xyz", "sat")
SHARED = {"[PAD]": 0, "[UNK]": 1, "the": 2, "cat": 3, "##s": 4, "sat": 5, "[CLS]": 6, "[SEP]": 7}
OWN = {"[PAD]": 0, "[UNK]": 1, "[CLS]": 2, "[SEP]": 3, "th": 4, "##e": 5, "cats": 6, "s": 7, "##a": 8, "##t": 9}


def tokenizer(folder, vocabulary):
    folder.mkdir()
    (folder / "vocab.txt").write_text("\n".join(vocabulary) + "\n")
    return load_tokenizer(folder)


@pytest.fixture
def shared(tmp_path):
    found = tokenizer(tmp_path / "shared", SHARED)
    found.parts = {"own_": tokenizer(tmp_path / "own", OWN)}
    return found


def config(max_length=512, layout="plain"):
    bert = {"model_type": "bert", "vocab_size": len(OWN), "hidden_size": 2, "num_attention_heads": 1}
    bert |= {"num_hidden_layers": 1, "intermediate_size": 2, "max_position_embeddings": max_length, "prefix": "own_"}
    words = {"model_type": "static_vectors", "vocab_size": len(SHARED), "width": 2, "layout": layout}
    return StackedConfig(parts=[words, bert])


def pieces(vocabulary, *tokens):
    return [vocabulary[token] for token in tokens]


def row_of(layout, words=WORDS):
    [[row]] = make("words", layout).features([TaggedWords("s", words)])
    return {name: np.asarray(array).tolist() for name, array in row.items()}


@pytest.mark.parametrize("layout", ["plain", "packed"])
def test_each_token_has_the_place_of_its_words_first_piece(shared, layout):
    row = row_of(own_layout(config(layout=layout), shared, 16))
    tokens, words = ["the", "cat", "##s", "[UNK]", "sat"], [0, 1, 1, 2, 3]
    around = (1, 1) if layout == "packed" else (0, 0)
    assert row["input_ids"] == pieces(SHARED, *["[CLS]"] * around[0], *tokens, *["[SEP]"] * around[1])
    own = [["[CLS]"], ["th", "##e"], ["cats"], ["[UNK]"], ["s", "##a", "##t"], ["[SEP]"]]
    assert row["own_input_ids"] == pieces(OWN, *(piece for word in own for piece in word))
    firsts = [2, 4, 5, 6]  # from 1, behind [CLS]
    assert row["own_places"] == [0] * around[0] + [firsts[word] for word in words] + [0] * around[1]


def test_long_words_of_a_part_lose_their_last_pieces(shared):
    """Each keeps its first, which is read; the row of the part has room for six pieces."""
    row = row_of(own_layout(config(max_length=8), shared, 6), ("sat", "sat", "the", "cats"))
    assert row["own_input_ids"] == pieces(OWN, "[CLS]", "s", "s", "th", "cats", "[SEP]")
    assert row["own_places"] == [2, 3, 4, 5, 5]  # cat ##s


def test_more_words_than_a_part_reads_are_one_line(shared):
    with pytest.raises(InputError, match=r"max_seq_length=8: a row may have 8 words, .*'own_' reads 6; lower it by 2"):
        own_layout(config(max_length=8), shared, 8)
    shared.parts = {}
    with pytest.raises(InputError, match="no vocabulary of the part with the prefix 'own_'"):
        own_layout(config(), shared, 8)


def test_texts_are_cut_into_words(shared):
    layout = own_layout(config(), shared, 3)
    [row], [empty] = layout.features([InputExample("a", "the cats, sat"), InputExample("b", "")])
    assert row["input_ids"].tolist() == pieces(SHARED, "the", "cat", "##s") and row["uncut_length"] == 5
    assert row["own_input_ids"].tolist() == pieces(OWN, "[CLS]", "th", "##e", "cats", "[SEP]")
    assert row["own_places"].tolist() == [2, 4, 4]
    assert len(empty["input_ids"]) == len(empty["own_places"]) == 0
    with pytest.raises(InputError, match="reads single texts"):
        list(layout.features([InputExample("a", "x", "y")]))
    layout.check([InputExample("a", "x")])
    with pytest.raises(InputError, match='^dev.tsv:7: two texts, .* without the parts that have a "prefix"$'):
        layout.check([InputExample("a", "x"), InputExample("b", "x", "y", source="dev.tsv:7")])


def test_records_of_a_corpus_have_no_rows_of_parts(tmp_path):
    reader = CorpusReader([str(tmp_path / "x.tfrecord")], Manifest(), 8, Packed.spec)
    for encoder_config in (config(), small_models.config("elmo")):
        with pytest.raises(InputError, match="x.tfrecord: these records have ids of tokens alone.*leave parts with"):
            reader.open(encoder_config, None)


@pytest.mark.slow
@pytest.mark.parametrize("buckets", [None, [4, 8]])
def test_records_and_batches_keep_the_lengths_apart(shared, tmp_path, buckets):
    encoder = record_files.ExampleEncoder(make("words", own_layout(config(), shared, 8)), make_labels("tags", ["O"]))
    examples = [TaggedWords("s", WORDS, ("O",) * 4), TaggedWords("t", ("sat",), ("O",))]
    found = record_files.write_records(examples, encoder, str(tmp_path), "train", 1)
    [batch] = batches.evaluation_batches(found, 1000, buckets, 2 if buckets else None)
    assert batch["input_ids"].shape == (2, 8 if buckets else 5)
    assert batch["own_input_ids"].shape == (2, 16 if buckets else 9)
    assert tf.reduce_sum(batch["own_input_mask"], axis=1).numpy().tolist() == [9, 5]
    assert batch["own_places"][1].numpy().tolist() == [2, *[0] * (len(batch["own_places"][1]) - 1)]


def test_other_vocabularies_are_other_records(shared, tmp_path):
    one = own_layout(config(), shared, 8).fingerprint()
    shared.parts = {"own_": tokenizer(tmp_path / "other", [*OWN, "dog"])}
    assert own_layout(config(), shared, 8).fingerprint() != one


def test_vocabularies_are_saved_beside_each_other(shared, tmp_path):
    shared.save_with_parts(str(tmp_path / "shared"))
    saved = load_tokenizer(tmp_path / "shared" / "own_vocabulary")
    assert saved.fingerprint() == shared.parts["own_"].fingerprint()


def test_questions_and_texts_apart_are_refused_in_one_line(shared):
    layout = own_layout(config(), shared, 64)
    with pytest.raises(InputError, match="questions in a text are ids of tokens alone; the layout aligned"):
        make("questions", layout)
    with pytest.raises(InputError, match="two texts apart: the layout aligned"):
        make("separate", layout)
