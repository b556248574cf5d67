"""Trains a SentencePiece model, unigram or BPE, for our tokenizer.

Source: Kudo 2018, https://arxiv.org/abs/1804.10959 (unigram); Kudo and Richardson 2018,
https://arxiv.org/abs/1808.06226 (the library, which trains).
"""

import io
import os
import re

from bertline.common.files import replace_file
from bertline.errors import InputError
from bertline.processors.tokenizers.sentencepiece import SentencePieceTokenizer

# ALBERT's names and places, which `transformers` takes for granted.
SPECIAL_TOKENS = ("<pad>", "<unk>", "[CLS]", "[SEP]", "[MASK]")
_THREADS = 4  # fixed: the sums of unigram training are rounded differently with another number


def train(counts, vocab_size, model_type="unigram", character_coverage=1.0):
    """A model's bytes, the same in every run.

    It is trained on words with their counts, not on lines: no piece crosses a blank, so that nothing is lost, and
    memory grows with the different words only.

    Args:
      counts: word -> how often it occurs; words of `PreparedWords`.
      vocab_size: pieces at most; fewer where the text has no more.
      model_type: "unigram" or "bpe".
      character_coverage: share of the running text whose characters get a piece; others are <unk>.

    Raises:
      InputError: the characters alone need more than `vocab_size` pieces.
    """
    import sentencepiece

    model = io.BytesIO()
    pad, unknown, *control = SPECIAL_TOKENS
    try:
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=(f"{word}\t{counts[word]}" for word in sorted(counts)),
            input_format="tsv",
            model_writer=model,
            model_type=model_type,
            vocab_size=vocab_size,
            hard_vocab_limit=False,
            character_coverage=character_coverage,
            pad_id=0,
            unk_id=1,
            bos_id=-1,
            eos_id=-1,
            pad_piece=pad,
            unk_piece=unknown,
            control_symbols=control,
            num_threads=_THREADS,
            minloglevel=2,
        )
    except RuntimeError as error:
        too_small = re.search(r"smaller than required_chars. \d+ vs (\d+)", str(error))
        if too_small is None:
            raise
        raise InputError(
            f"--vocab_size={vocab_size}: the characters of the corpus and the special tokens alone need "
            f"{too_small[1]} pieces; raise it, or leave rare characters out by --character_coverage=0.9995"
        ) from None
    return model.getvalue()


def save(model, path, do_lower_case):
    """Writes the model and, beside it, tokenizer_config.json; returns its SentencePieceTokenizer."""
    with replace_file(path) as temporary, open(temporary, "wb") as file:
        file.write(model)
    tokenizer = SentencePieceTokenizer(path, do_lower_case)
    folder, name = os.path.split(path)
    tokenizer.save(folder, model_name=name)
    return tokenizer
