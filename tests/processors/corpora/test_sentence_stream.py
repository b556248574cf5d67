"""The stream of sentences: records, lanes in bilm-tf's order, both directions, unknown words, checkpoints."""

import json

import numpy as np
import pytest
import tensorflow as tf

from bertline.errors import InputError
from bertline.modeling.encoders.recurrent.elmo import Elmo
from bertline.processors.corpora.making import instance_shards
from bertline.processors.corpora.making.instance_records import find_records
from bertline.processors.corpora.streams.record_order import drawn_each_epoch
from bertline.processors.layouts.characters import character_ids
from bertline.processors.tokenization import load_tokenizer
from bertline.processors.tokenizers.tokenizer import Tokenizer
from bertline.processors.tokenizers.words import WordTokenizer
from bertline.settings.scripts.create_pretraining_data import PretrainingDataSettings

WORDS = ["<S>", "</S>", "<UNK>", "the", "a", "b", "c", "d", "e"]


def sentences(count=50):
    draw = np.random.default_rng(0)
    return [list(draw.choice([*WORDS[3:], "é", "zz"], draw.integers(1, 9))) for _ in range(count)]


def make(folder, **settings):
    (folder / "vocab.txt").write_text("".join(f"{word}\n" for word in WORDS))
    lines = [" ".join(words) for words in sentences()]
    (folder / "text.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    run = PretrainingDataSettings(
        input_file=f"{folder}/text.txt",
        output_file=f"{folder}/stream.tfrecord",
        vocab_file=f"{folder}/vocab.txt",
        instances="sentence_stream",
        num_output_shards=3,
        num_processes=1,
        **settings,
    )
    return instance_shards.create(run, [run.input_file], load_tokenizer(run.vocab_file))


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sentences")
    make(folder, shuffle_sentences=False)
    return folder


def opened(folder, steps=5):
    data = find_records(f"{folder}/stream.tfrecord-*", "sentence_stream", steps, {})
    data.open(Elmo.small(), load_tokenizer(f"{folder}/vocab.txt"))
    return data


def ids_of(words):
    return [0, *(WORDS.index(word) if word in WORDS else 2 for word in words), 1]


def get_batches(generator, lanes, steps):
    """`_get_batch` of bilm-tf, without its characters."""
    stream, at_end = [[] for _ in range(lanes)], False
    while not at_end:
        inputs, targets = np.zeros([2, lanes, steps], np.int32)
        for lane in range(lanes):
            place = 0
            while place < steps:
                if len(stream[lane]) <= 1:
                    stream[lane] = next(generator, None)
                    if stream[lane] is None:
                        at_end = True
                        break
                count = min(len(stream[lane]) - 1, steps - place)
                inputs[lane, place : place + count] = stream[lane][:count]
                targets[lane, place : place + count] = stream[lane][1 : count + 1]
                place += count
                stream[lane] = stream[lane][count:]
            if at_end:
                return
        yield inputs, targets


@pytest.mark.slow
@pytest.mark.parametrize("lanes, steps", [(3, 5), (1, 4), (4, 1), (7, 2)])
@pytest.mark.parametrize("at_once", [256, 3])
def test_lanes_are_those_of_bilm_tf(corpus, monkeypatch, lanes, steps, at_once):
    monkeypatch.setattr("bertline.processors.corpora.streams.sentence_reader.SENTENCES_AT_ONCE", at_once)
    forward = get_batches((ids_of(words) for words in sentences()), lanes, steps)
    backward = get_batches((ids_of(words)[::-1] for words in sentences()), lanes, steps)
    count = 0
    for batch, (ids, following), (back_ids, back_following) in zip(
        opened(corpus, steps).train_batches(lanes, seed=1), forward, backward
    ):
        np.testing.assert_array_equal(batch["input_ids"], ids)
        np.testing.assert_array_equal(batch["next_ids"], following)
        np.testing.assert_array_equal(batch["backward_input_ids"], back_ids)
        np.testing.assert_array_equal(batch["backward_next_ids"], back_following)
        assert np.all(batch["input_mask"])
        count += 1
    total = sum(len(words) + 1 for words in sentences())
    assert count > 0.8 * total / (lanes * steps) - 2


def test_unknown_words_have_characters_of_their_own(corpus):
    """And boundaries have theirs: begin of a word, the boundary, end of the word."""
    batch = next(iter(opened(corpus, 40).train_batches(1, seed=1)))
    words = [word for sentence in sentences() for word in ("<S>", *sentence)][:40]
    expected = character_ids(words)
    for row, word in zip(expected, words):
        if word == "<S>":
            row[:] = [257, 259, 258] + [0] * 47
    np.testing.assert_array_equal(batch["character_ids"][0], expected)
    assert batch["backward_character_ids"][0, 0, :4].numpy().tolist() == [257, 260, 258, 0]
    assert {"é", "zz"} & set(words)


@pytest.mark.slow
@pytest.mark.parametrize("order", ["corpus", "shuffled"])
def test_the_stream_goes_on_from_a_checkpoint(order, request, tmp_path):
    def run(iterator, count):
        return [np.concatenate([next(iterator)[name] for name in ("input_ids", "next_ids")]) for _ in range(count)]

    data = opened(request.getfixturevalue(order))
    iterator = iter(data.train_batches(3, seed=1))
    run(iterator, 37)
    path = tf.train.Checkpoint(iterator=iterator).write(str(tmp_path / "at"))
    expected = run(iterator, 20)
    other = iter(data.train_batches(3, seed=1))
    tf.train.Checkpoint(iterator=other).read(path).assert_consumed()
    np.testing.assert_array_equal(run(other, 20), expected)


def epochs_of(folder, seed, count=4):
    """The words to predict of some epochs, one lane of one step; each a tuple."""
    size = sum(len(words) + 1 for words in sentences())
    batches = opened(folder, 1).train_batches(1, seed=seed).take(count * size)
    ids = [int(batch["next_ids"][0, 0]) for batch in batches]
    return [tuple(ids[i * size : (i + 1) * size]) for i in range(count)]


@pytest.fixture(scope="module")
def shuffled(tmp_path_factory):
    folder = tmp_path_factory.mktemp("shuffled")
    make(folder)
    return folder


@pytest.mark.slow
def test_each_epoch_has_an_order_of_its_own(shuffled, corpus):
    """The first is that of the records; each has every sentence once; equal seeds have equal orders."""

    def parts(epoch):
        ends = [i + 1 for i, id in enumerate(epoch) if id == 1]
        return [epoch[start:end] for start, end in zip([0, *ends], ends)]

    found, other = epochs_of(shuffled, 1), epochs_of(shuffled, 2)
    assert found[0] == other[0] and len({*found, *other}) == 7
    expected = sorted(tuple(ids_of(words)[1:]) for words in sentences())
    for epoch in found + other:
        assert sorted(parts(epoch)) == expected
    assert found == epochs_of(shuffled, 1)
    assert len(set(epochs_of(corpus, 1))) == 1


def test_few_sentences_at_once_are_shuffled_among_all(shuffled):
    """Where an epoch begins is drawn too, so no sentence has always the same neighbours in memory."""
    files = sorted(str(path) for path in shuffled.glob("stream.tfrecord-*[0-9]"))
    records = list(drawn_each_epoch(files, 50, 3, at_once=8).take(200).as_numpy_iterator())
    epochs = [records[i : i + 50] for i in range(0, 200, 50)]
    assert all(sorted(epoch) == sorted(epochs[0]) for epoch in epochs)
    together = [{frozenset(epoch[i : i + 8]) for i in range(0, 48, 8)} for epoch in epochs]
    assert not together[1] & together[2] and not together[2] & together[3]


@pytest.mark.parametrize("lanes, steps", [(3, 5), (4, 7), (100, 3)])
def test_every_word_is_evaluated_once_each_way(corpus, lanes, steps):
    batches = opened(corpus, steps).evaluation_batches(lanes, 10_000)
    for prefix in ("", "backward_"):
        found = np.concatenate([batch[f"{prefix}next_ids"].numpy()[batch["input_mask"] > 0] for batch in batches])
        expected = [id for words in sentences() for id in (ids_of(words)[1:] if not prefix else ids_of(words)[-2::-1])]
        assert sorted(found) == sorted(expected)
    masks = np.concatenate([batch["input_mask"] for batch in batches], axis=1)
    assert np.all(np.diff(masks, axis=1) <= 0)  # padding is at the end of a lane


def test_a_part_is_evaluated(corpus):
    batches = opened(corpus).evaluation_batches(2, 4)
    count = sum(int(np.sum(batch["input_mask"])) for batch in batches)
    assert 20 <= count < 20 + 9


def test_sentences_are_shuffled_and_counted(tmp_path):
    manifest = make(tmp_path)
    data = opened(tmp_path, 5)
    assert manifest["statistics"]["tokens"] == sum(len(words) + 2 for words in sentences())
    assert data.epochs(100) == 500 / sum(len(words) + 1 for words in sentences())
    ids = next(iter(data.train_batches(1, seed=1)))["input_ids"][0]
    assert ids.numpy().tolist() != [id for words in sentences() for id in ids_of(words)[:-1]][:5]
    assert manifest["statistics"]["unknown_words"] == sum(word not in WORDS for s in sentences() for word in s)


@pytest.mark.parametrize("is_sorted", [True, False])
def test_a_vocabulary_that_is_not_sorted_is_said(tmp_path, caplog, is_sorted):
    words = [f"w{i}" for i in range(200)]
    text = [" ".join(np.random.default_rng(i).choice(words[:60], 9)) for i in range(40)]
    words = words if is_sorted else words[::-1]
    (tmp_path / "vocab.txt").write_text("".join(f"{word}\n" for word in [*WORDS[:3], *words]))
    (tmp_path / "text.txt").write_text("\n".join(text) + "\n")
    run = PretrainingDataSettings(
        input_file=f"{tmp_path}/text.txt",
        output_file=f"{tmp_path}/stream.tfrecord-0",
        vocab_file=f"{tmp_path}/vocab.txt",
        instances="sentence_stream",
        num_processes=1,
    )
    instance_shards.create(run, [run.input_file], load_tokenizer(run.vocab_file))
    opened(tmp_path)
    assert ("not sorted by frequency" in caplog.text) == (not is_sorted)


@pytest.mark.parametrize(
    "split, text, expected",
    [
        ("white_space", "a U.S. 红楼", ["a", "U.S.", "红楼"]),
        ("basic", "a U.S. 红楼", ["a", "U", ".", "S", ".", "红", "楼"]),
        ("characters", "a U.S. 红楼", ["a", "U", ".", "S", ".", "红", "楼"]),
    ],
)
def test_words_are_cut_as_the_vocabulary_says(split, text, expected, tmp_path):
    """The processes that make records cut texts as well, for the characters of unknown words."""
    words = ["<S>", "</S>", "<UNK>", "a", "红"]
    (tmp_path / "vocab.txt").write_text("".join(f"{word}\n" for word in words), encoding="utf-8")
    config = {"tokenizer_class": "WordTokenizer", "split": split, "do_lower_case": False, "unk_token": "<UNK>"}
    (tmp_path / "tokenizer_config.json").write_text(json.dumps({**config, "start_token": "<S>", "end_token": "</S>"}))
    (tmp_path / "text.txt").write_text(f"{text}\n", encoding="utf-8")
    run = PretrainingDataSettings(
        input_file=f"{tmp_path}/text.txt",
        output_file=f"{tmp_path}/stream.tfrecord-0",
        vocab_file=f"{tmp_path}/vocab.txt",
        instances="sentence_stream",
        num_processes=2,
    )
    instance_shards.create(run, [run.input_file], load_tokenizer(run.vocab_file))
    [batch] = opened(tmp_path, len(expected) + 1).evaluation_batches(1, 1)
    np.testing.assert_array_equal(batch["character_ids"][0, 1:], character_ids(expected))
    known = [words.index(word) if word in words else 2 for word in expected]
    assert batch["input_ids"][0].numpy().tolist() == [0, *known]


def test_a_vocabulary_that_cuts_words(tmp_path, monkeypatch):
    """Of another kind of tokenizer, whose words stand between blanks and have several tokens."""
    monkeypatch.setattr(WordTokenizer, "word_cutter", Tokenizer.word_cutter)
    (tmp_path / "vocab.txt").write_text("<S>\n</S>\n<UNK>\na\n")
    (tmp_path / "tokenizer_config.json").write_text('{"tokenizer_class": "WordTokenizer", "split": "basic"}')
    (tmp_path / "text.txt").write_text("a U.S\n")
    run = PretrainingDataSettings(
        input_file=f"{tmp_path}/text.txt",
        output_file=f"{tmp_path}/stream.tfrecord",
        vocab_file=f"{tmp_path}/vocab.txt",
        instances="sentence_stream",
        num_processes=1,
    )
    with pytest.raises(InputError, match="makes 4 tokens of 2 words"):
        instance_shards.create(run, [run.input_file], load_tokenizer(run.vocab_file))
