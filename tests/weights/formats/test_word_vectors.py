"""Tables of word vectors as word2vec, GloVe and fastText write them, and as a numpy array beside its words."""

import gzip
import logging

import numpy as np
import pyarrow
import pyarrow.parquet
import pytest
from safetensors.numpy import load_file

from bertline import convert_checkpoint, registry
from bertline.errors import InputError
from bertline.serving.encoder.text_encoder import TextEncoder
from bertline.settings.scripts.convert_checkpoint import ConversionSettings
from bertline.weights.load_save import load_weights, open_weights
from bertline.weights.reading.vector_lines import read_vectors

WORDS = ["the", "Füße", "北京", "x\u00a0y", "1"]
DRAWN = np.random.default_rng(0).normal(size=[5, 4]).astype(np.float32)


def line(word, row, end=""):
    return f"{word} " + " ".join(map(repr, row.tolist())) + end + "\n"


LINES = [line(word, row) for word, row in zip(WORDS, DRAWN)]
TEXT = "".join(LINES)


@pytest.fixture
def file(tmp_path):
    def write(content, name="vectors.txt"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return str(path)

    return write


@pytest.mark.parametrize(
    "content",
    [
        TEXT,
        "5 4\n" + TEXT,
        "5 4\n" + "".join(line(word, row, end=" ") for word, row in zip(WORDS, DRAWN)),  # the original C programs
        TEXT.replace("\n", "\r\n"),
        TEXT.replace(" ", "\t"),
        "\n" + TEXT + "\n",
        gzip.compress(TEXT.encode(), mtime=0),
    ],
)
def test_what_is_written_is_read(file, content):
    words, table = read_vectors(file(content))
    assert words == WORDS and table.dtype == np.float32
    np.testing.assert_array_equal(table, DRAWN)


def test_words_with_spaces_as_in_the_largest_tables_of_glove(file):
    words, table = read_vectors(file("a 1 2 3\n. . . 4 5 6\nat name@domain.com 7 8 9\n"))
    assert words == ["a", ". . .", "at name@domain.com"]
    np.testing.assert_array_equal(table, np.arange(1, 10).reshape(3, 3))


def test_more_lines_than_are_read_at_once(file):
    drawn = np.random.default_rng(1).normal(size=[9001, 3]).astype(np.float32)
    words, table = read_vectors(file("".join(line(f"w{i}", row) for i, row in enumerate(drawn))))
    assert words == [f"w{i}" for i in range(9001)]
    np.testing.assert_array_equal(table, drawn)


def test_a_word_that_comes_again(file, caplog):
    with caplog.at_level(logging.WARNING):
        words, table = read_vectors(file("a 1 2\nb 3 4\na 5 6\nc 7 8\n"))
    assert words == ["a", "b", "c"] and table.tolist() == [[1, 2], [3, 4], [7, 8]]
    assert "1 lines have a word that was there before ('a' in line 3)" in caplog.text


@pytest.mark.parametrize(
    "content, message",
    {
        "": "the file is empty",
        "4 2\n": ":1: the header says 4 words, 0 follow",
        "3 2\na 1 2\nb 3 4\n": ":1: the header says 3 words, 2 follow",
        "the\nof\n": ":1: 'the' has no numbers",
        "a 1 2 3\nb 4 5\n": ":2: 'b 4 5' has 2 numbers, the others have 3",
        "2 3\na 1 2 3\nb 4 5\n": ":3: 'b 4 5' has 2 numbers",
        "a 1 2\nb 3 x\n": ":2: 'x' behind the word 'b' is no finite number",
        "a 1 2\nb 3 nan\n": ":2: 'nan' behind the word 'b' is no finite number",
        "a 1 2\nb inf 3\n": ":2: 'inf' behind the word 'b'",
        "a 1 2\nb 1e99 3\n": ":2: '1e99' behind the word 'b'",
        "a 1 2\nb 1_5 3\n": ":2: '1_5' behind the word 'b'",
        "a 1 2\nb 1,5 3\n": ":2: '1,5' behind the word 'b'",
        b"a 1 2\n\xff 3 4\n": ":2: byte 0xff at offset 6 is not utf-8",
        gzip.compress(TEXT.encode(), mtime=0)[:-9]: "broken gzip data",
    }.items(),
)
def test_damaged_files_are_one_line(file, content, message):
    with pytest.raises(InputError) as error:
        read_vectors(file(content))
    assert message in str(error.value) and "\n" not in str(error.value)


def expected(table):
    """Plain numpy: nothing for padding, the mean for unknown words."""
    return np.vstack([np.zeros(table.shape[1]), table.astype(np.float64).mean(axis=0), table]).astype(np.float32)


def assert_is_ours(source):
    """The source has the words, and fills an encoder."""
    assert source.words == ["[PAD]", "[UNK]", *WORDS]
    encoder_class = registry.get("encoder", source.config["model_type"])
    encoder = encoder_class(encoder_class.config_class.from_dict(source.config))
    encoder.build()
    assert load_weights(encoder, source).missing == []
    np.testing.assert_array_equal(encoder.output_table().numpy(), expected(DRAWN))


@pytest.mark.parametrize("name", ["glove.txt", "wiki.vec", "wiki.vec.gz", "."])
def test_a_text_is_a_model(file, name):
    path = file(TEXT, "wiki.vec" if name == "." else name)
    assert_is_ours(open_weights(path.removesuffix("/wiki.vec") if name == "." else path))


@pytest.fixture
def pair(tmp_path):
    np.save(tmp_path / "emb.npy", DRAWN)
    pyarrow.parquet.write_table(pyarrow.table({"index": WORDS}), tmp_path / "index.parquet")
    return tmp_path


@pytest.mark.parametrize("given", [".", "emb.npy"])
def test_an_array_beside_its_words(pair, given):
    assert_is_ours(open_weights(pair / given))
    (pair / "index.parquet").unlink()
    (pair / "words.txt").write_text("\n".join(WORDS), encoding="utf-8")
    assert_is_ours(open_weights(pair / given))


def refused(path, message):
    with pytest.raises(InputError) as error:
        open_weights(path)
    assert message in str(error.value) and "\n" not in str(error.value)


def test_arrays_that_are_no_table(pair):
    refused(pair / "other.npy", "other.npy: no such file")
    (pair / "words.txt").write_text("a\n")
    refused(pair / "emb.npy", "an array without words")
    (pair / "index.parquet").unlink()
    refused(pair, "words.txt: 1 words, ")
    (pair / "words.txt").write_text("a\nb\nc\nd\na\n")
    refused(pair, "words.txt: 1 words come again")
    (pair / "words.txt").write_text("\n".join(WORDS))
    np.save(pair / "emb.npy", np.where(np.arange(5)[:, None] == 3, np.nan, DRAWN))
    refused(pair, "emb.npy: row 3 (of 'x\\xa0y') has what is no finite number")
    np.save(pair / "emb.npy", np.arange(5))
    refused(pair, "emb.npy: int64 [5]; floating-point numbers [words, width] are needed")
    (pair / "emb.npy").write_bytes(b"\x93NUMPY\1\0\x08\0{'descr'(")
    refused(pair, "emb.npy: not a readable array of numpy")
    (pair / "emb.npy").write_bytes(b"no array")
    refused(pair, "emb.npy: not a readable array of numpy")


@pytest.mark.parametrize("name", ["word2vec_c/sg_text_sample.txt", "gensim_fasttext/lee_fasttext.vec"])
def test_what_the_c_programs_wrote(golden_dir, name):
    path = golden_dir / "techniques" / name
    words, table = read_vectors(str(path))
    count, width = map(int, path.read_text().split("\n")[0].split())
    assert words == np.loadtxt(path, str, skiprows=1, usecols=0, comments=None, encoding="utf-8").tolist()
    rows = np.loadtxt(path, np.float32, skiprows=1, usecols=range(1, width + 1), comments=None, encoding="utf-8")
    np.testing.assert_array_equal(table, rows)
    assert table.shape == (count, width)


def test_a_converted_table_is_a_model_of_every_command(tmp_path, file, caplog):
    """A vector of a text is the mean of those of its words, by plain numpy."""
    settings = ConversionSettings(
        init_checkpoint=file("The 1 2\n\u00a0 9 9\nCat 3 4\n, 5 9\n"), output_dir=str(tmp_path / "out")
    )
    convert_checkpoint.convert(settings)
    assert "1 words are left out" in caplog.text
    assert (tmp_path / "out" / "vocab.txt").read_text() == "[PAD]\n[UNK]\nThe\nCat\n,\n"
    table = np.array([[0, 0], [4.5, 6], [1, 2], [3, 4], [5, 9]])  # of all four rows the mean
    found = TextEncoder(tmp_path / "out").encode(["The Cat, cat", "Cat"])
    np.testing.assert_allclose(found, [table[[2, 3, 4, 1]].mean(axis=0), table[3]], rtol=1e-6)


def test_a_vocabulary_of_ones_own(tmp_path, file):
    (tmp_path / "vocab.txt").write_text("[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\ncat\n")
    settings = ConversionSettings(
        init_checkpoint=file("the 1 2\ncat 3 4\n"),
        output_dir=str(tmp_path / "out"),
        vocab_file=str(tmp_path / "vocab.txt"),
    )
    convert_checkpoint.convert(settings)
    written = load_file(tmp_path / "out" / "model.safetensors")["static_vectors.word_embeddings"]
    np.testing.assert_allclose(written, [[0, 0], [2, 3], [2, 3], [2, 3], [2, 3], [3, 4]])
