"""SentencePiece training against the library's own on whole lines, and our tokenizer against other readers."""

import io
import pathlib

import pytest
import sentencepiece

from bertline.errors import InputError
from bertline.processors.tokenization import load_tokenizer
from bertline.processors.tokenizers.sentencepiece import prepare_text
from bertline.processors.vocabulary import sentencepiece as training
from bertline.processors.vocabulary.coverage import coverage
from bertline.processors.vocabulary.words import PreparedWords, count_words

CORPUS = sorted((pathlib.Path(__file__).parents[3] / "samples" / "corpus").glob("*.txt"))
LINES = [line for path in CORPUS for line in path.read_text(encoding="utf-8").splitlines()]
LINES += ["In München kostet das 12 Euro, im Café 3.", "北京很大。 上海也很大。"]


@pytest.fixture(scope="module")
def counts():
    return count_words(LINES, PreparedWords(True))


def pieces(model):
    processor = sentencepiece.SentencePieceProcessor(model_proto=model)
    return [processor.id_to_piece(i) for i in range(processor.get_piece_size())]


def trained_on_lines(model_type, size):
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=(prepare_text(line, True, False) for line in LINES),
        model_writer=model,
        model_type=model_type,
        vocab_size=size,
        character_coverage=1.0,
        num_threads=1,
        minloglevel=2,
    )
    return pieces(model.getvalue())[3:]  # without the library's <unk>, <s>, </s>


def test_bpe_of_words_is_bpe_of_lines(counts):
    assert pieces(training.train(counts, 602, "bpe"))[5:] == trained_on_lines("bpe", 600)


def test_unigrams_of_words_are_those_of_lines(counts):
    ours, theirs = pieces(training.train(counts, 602))[5:], trained_on_lines("unigram", 600)
    assert len(ours) == len(theirs) == 597
    assert len(set(ours) & set(theirs)) >= 590  # their sums are rounded in another order


@pytest.mark.parametrize("model_type", ["unigram", "bpe"])
def test_our_tokenizer_and_the_library_agree(tmp_path, counts, model_type):
    ours = training.save(training.train(counts, 500, model_type), str(tmp_path / "x.model"), True)
    assert (ours.pad_id, ours.unk_id, ours.cls_id, ours.sep_id, ours.mask_id) == (0, 1, 2, 3, 4)
    library = sentencepiece.SentencePieceProcessor(model_file=str(tmp_path / "x.model"))
    for line in LINES:
        expected = library.encode(" ".join(line.replace("ü", "u").replace("é", "e").lower().split()))
        ids, _ = ours.encode_batch([line])
        assert ids.tolist() == expected and ours.unk_id not in expected
    assert coverage(counts, ours).unknown == 0
    again = load_tokenizer(tmp_path)
    assert again.do_lower_case and again.fingerprint() == ours.fingerprint()
    assert not load_tokenizer(training_folder(tmp_path, model_type)).do_lower_case


def training_folder(tmp_path, model_type):
    """A model that keeps the casing."""
    model = training.train(count_words(LINES, PreparedWords(False)), 300, model_type)
    assert any(piece != piece.lower() for piece in pieces(model)[5:])
    training.save(model, str(tmp_path / "cased" / "x.model"), False)
    return tmp_path / "cased"


def test_transformers_reads_it(tmp_path, counts):
    transformers = pytest.importorskip("transformers", reason="make peers")
    ours = training.save(training.train(counts, 500), str(tmp_path / "spiece.model"), True)
    theirs = transformers.AutoTokenizer.from_pretrained(tmp_path)
    assert len(theirs) == ours.vocab_size == 500
    special = (theirs.pad_token_id, theirs.unk_token_id, theirs.cls_token_id, theirs.sep_token_id, theirs.mask_token_id)
    assert special == (0, 1, 2, 3, 4)
    for line in LINES:
        assert theirs.encode(line, add_special_tokens=False) == ours.encode_batch([line])[0].tolist()


def test_rare_characters_can_be_left_out(tmp_path, counts):
    tokenizer = training.save(training.train(counts, 300, "bpe", 0.999), str(tmp_path / "x.model"), True)
    assert tokenizer.unk_id in tokenizer.encode_batch(["北"])[0]
    assert 0 < coverage(counts, tokenizer).unknown < 0.02 * counts.total()


def test_a_text_that_has_no_more_pieces_gives_fewer(counts):
    for model_type in ("unigram", "bpe"):
        assert 500 < len(pieces(training.train(counts, 100_000, model_type))) < 20_000


def test_too_small_for_the_characters(counts):
    with pytest.raises(InputError, match=r"--vocab_size=20: .* need \d+ pieces"):
        training.train(counts, 20)


def test_the_same_bytes_again(counts):
    assert training.train(counts, 400) == training.train(counts, 400)
