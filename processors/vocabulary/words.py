"""Counts the words of a corpus of any size in bounded memory."""

import collections
import logging
import random
import re

from bertline.errors import InputError
from bertline.processors.tokenizers.rules.normalization import BasicTokenizer
from bertline.processors.tokenizers.rules.wordpiece import MAX_WORD_CHARS
from bertline.processors.tokenizers.sentencepiece import prepare_text

MAX_CHARACTERS = 8_000_000  # of different words, some 900,000: training WordPiece takes 0.9 GB with them
_CHUNKS_AT_ONCE, _CHARACTERS_AT_ONCE = 1 << 18, 1 << 25
# White space to Python, control characters to BERT, which drops them instead of ending a word there.
_NO_WHITE_SPACE_TO_BERT = re.compile("[\x0b\x0c\x1c-\x1f\x85]")
_LONGEST_SENTENCE_PIECE_WORD = 1000  # characters; SentencePiece's trainer drops what has more than 4192 bytes


class BasicWords:
    """Words as `FullTokenizer` has them before it looks for pieces.

    `basic`: its BasicTokenizer; by default the original's, with the given casing.
    """

    def __init__(self, do_lower_case=True, basic=None):
        self._basic = basic or BasicTokenizer(do_lower_case)

    def chunks(self, line):
        return _NO_WHITE_SPACE_TO_BERT.sub("", line).split()

    def words(self, chunk):
        # What is too long to have pieces stays so; the rest of a page without blanks need not be kept.
        return [word[: MAX_WORD_CHARS + 1] for word in self._basic.tokenize(chunk)]


class CutWords:
    """Words as a WordTokenizer has them.

    `cut`: its way from a text to a list of words; one that does not look beyond white space.
    """

    def __init__(self, cut):
        self._cut = cut

    def chunks(self, line):
        return line.split()

    def words(self, chunk):
        return self._cut(chunk)


class PreparedWords:
    """What stands between blanks in the text that `SentencePieceTokenizer` gives to its model."""

    def __init__(self, do_lower_case):
        self._do_lower_case = do_lower_case

    def chunks(self, line):
        return line.split()

    def words(self, chunk):
        length = _LONGEST_SENTENCE_PIECE_WORD
        for word in prepare_text(chunk, self._do_lower_case, keep_accents=not self._do_lower_case).split():
            yield from (word[i : i + length] for i in range(0, len(word), length))


def count_words(lines, splitter, max_characters=MAX_CHARACTERS):
    """Word -> how often it occurs.

    Where the different words have more than `max_characters`, rare ones are sampled: one of count c is kept with
    probability c / n and then counted n times, so that sums over words (how often two characters meet, say) stay right
    on average, however often it is done. The sample is the same in every run.

    Args:
      lines: iterable of str, parts of a text that end at white space.
      splitter: BasicWords or PreparedWords.
      max_characters: bound on the memory.

    Returns:
      A collections.Counter of str.

    Raises:
      InputError: there is no word at all.
    """
    counts, least, draw = collections.Counter(), 1, random.Random(0)
    for chunks in _count_chunks(lines, splitter):
        # Most of a text are a few chunks again and again: each is split into words once in a while.
        for chunk, count in chunks.items():
            for word in splitter.words(chunk):
                counts[word] += count
        if _characters(counts) > max_characters:
            counts, least = _thin_out(counts, max_characters, least, draw)
    if not counts:
        raise InputError("--input_file: no word in these files; text is needed")
    return counts


def _count_chunks(lines, splitter):
    """Yields Counters of the chunks of as many lines as memory should hold."""
    chunks, characters = collections.Counter(), 0
    for line in lines:
        chunks.update(splitter.chunks(line))
        characters += len(line)
        if len(chunks) >= _CHUNKS_AT_ONCE or characters >= _CHARACTERS_AT_ONCE:
            yield chunks
            chunks, characters = collections.Counter(), 0
    yield chunks


def _thin_out(counts, max_characters, least, draw):
    """A sample of words with at most three quarters of the characters, and the least count in it."""
    before, given = len(counts), least
    while True:
        kept = ((word, count) for word, count in counts.items() if count >= least or draw.random() < count / least)
        counts = collections.Counter({word: max(count, least) for word, count in kept})
        if _characters(counts) <= max_characters * 3 // 4:
            break
        least *= 2
    if least > given:
        logging.info(
            "%d different words: those seen less than %d times are sampled; %d stay", before, least, len(counts)
        )
    return counts, least


def _characters(counts):
    return sum(map(len, counts))
