"""The stream of tokens: all of a corpus, in order, through records, lanes and evaluation."""

import numpy as np
import pytest
import tensorflow as tf

from bertline.errors import InputError
from bertline.modeling.encoders.recurrent.awd_lstm import AwdLstmConfig
from bertline.processors.corpora.making import instance_shards
from bertline.processors.corpora.making.instance_records import find_records
from bertline.processors.tokenization import load_tokenizer
from bertline.settings.scripts.create_pretraining_data import PretrainingDataSettings

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *"abcdefghij"]
END = WORDS.index("[SEP]")


def documents(count=40):
    draw = np.random.default_rng(0)

    def sentence():
        return " ".join(draw.choice(WORDS[5:], draw.integers(1, 9)))

    return [[sentence() for _ in range(draw.integers(1, 5))] for _ in range(count)]


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    """(folder with vocab.txt and records in 3 shards, the stream as it should be)."""
    folder = tmp_path_factory.mktemp("stream")
    (folder / "vocab.txt").write_text("\n".join(WORDS) + "\n")
    (folder / "text.txt").write_text("\n\n".join("\n".join(sentences) for sentences in documents()) + "\n")
    run = PretrainingDataSettings(
        input_file=f"{folder}/text.txt",
        output_file=f"{folder}/stream.tfrecord",
        vocab_file=f"{folder}/vocab.txt",
        instances="token_stream",
        max_seq_length=6,
        num_output_shards=3,
        num_processes=1,
    )
    instance_shards.create(run, [run.input_file], load_tokenizer(run.vocab_file))
    stream = []
    for sentences in documents():
        stream += [WORDS.index(word) for sentence in sentences for word in sentence.split()] + [END]
    return folder, np.array(stream)


def opened(folder, steps=5, **changes):
    data = find_records(f"{folder}/stream.tfrecord-*", "token_stream", steps, changes)
    data.open(AwdLstmConfig(vocab_size=len(WORDS)), load_tokenizer(f"{folder}/vocab.txt"))
    return data


def test_lanes_are_the_stream(corpus):
    """Each lane goes on where its last batch ended, from beginning to end and round again."""
    folder, stream = corpus
    batches = opened(folder).train_batches(4, seed=1)
    parts = [{name: value.numpy() for name, value in batch.items()} for batch in batches.take(60)]
    lanes = np.concatenate([part["next_ids"] for part in parts], axis=1)
    before = np.concatenate([part["input_ids"] for part in parts], axis=1)
    np.testing.assert_array_equal(before[:, 1:], lanes[:, :-1])
    assert (before[:, 0] == END).all() and all(part["input_mask"].all() for part in parts)
    place = 0  # lane by lane the whole stream: a lane repeats its own part
    for lane in lanes.tolist():
        found = [end for end in range(20, len(stream)) if stream[place : place + end].tolist() == lane[:end]][-1]
        assert lane[found : found + 20] == stream[place : place + 20].tolist()
        place += found
    assert place == len(stream)


def test_an_iterator_goes_on_from_a_checkpoint(corpus, tmp_path):
    data = opened(corpus[0])
    iterator = iter(data.train_batches(4, seed=1))
    checkpoint = tf.train.Checkpoint(iterator=iterator)
    for _ in range(7):
        next(iterator)
    path = checkpoint.save(str(tmp_path / "it"))
    expected = [next(iterator)["next_ids"].numpy() for _ in range(5)]
    again = iter(opened(corpus[0]).train_batches(4, seed=1))
    tf.train.Checkpoint(iterator=again).restore(path)
    for batch in expected:
        np.testing.assert_array_equal(next(again)["next_ids"], batch)


@pytest.mark.slow
@pytest.mark.parametrize("lanes", [1, 3, 7])
def test_evaluation_predicts_every_token_once(corpus, lanes):
    folder, stream = corpus
    batches = opened(folder).evaluation_batches(lanes, 10_000)
    rows = {
        name: np.concatenate([b[name].numpy() for b in batches], axis=1)
        for name in batches[0]
        if name != "example_index"
    }
    real = rows["input_mask"] > 0
    np.testing.assert_array_equal(rows["next_ids"][real], stream)  # row after row
    np.testing.assert_array_equal(rows["input_ids"][real], np.concatenate([[END], stream[:-1]]))
    some = opened(folder).evaluation_batches(lanes, 4)
    assert sum(int(batch["input_mask"].numpy().sum()) for batch in some) == 20


def test_what_does_not_fit(corpus, tmp_path):
    folder, _ = corpus
    with pytest.raises(InputError, match="lanes; lower --train_batch_size"):
        opened(folder).train_batches(100_000, seed=1)
    with pytest.raises(InputError, match="0 to 9 are allowed"):
        find_records(f"{folder}/stream.tfrecord-*", "token_stream", 5, {}).open(
            AwdLstmConfig(vocab_size=10), load_tokenizer(f"{folder}/vocab.txt")
        )
    with pytest.raises(InputError, match="made by --instances=token_stream; .*=full_sentences, next_sentence, sent"):
        find_records(f"{folder}/stream.tfrecord-*", "next_sentence", 5, {})
