"""Normalisation of text as a table over all code points, for programs that cannot call Python.

What becomes of a code point hardly depends on its neighbours. Two things do: a capital sigma that ends a word is
lower-cased in another way, and marks that follow a letter are put into the order of their combining classes. The table
says of each code point what it takes to do both.
"""

import functools
import unicodedata

import numpy as np

from bertline.processors.tokenizers.rules.normalization import is_cjk

CODE_POINTS = 0x110000
_NOTHING_FROM, _NOTHING_TO = 0x40000, 0xE0000  # ten planes without a character, which are all the same
PAGE_BITS = 8
CLASS_SHIFT = 21  # a value holds a code point in its lower bits and its combining class above them
SELF, NOTHING, BLANK = (1 << CLASS_SHIFT) - 1, 0, 0x20  # in the place of a code point; U+0000 never comes out
CAPITAL_SIGMA, FINAL_SIGMA = 0x3A3, 0x3C2
# What a code point means to a capital sigma beside it: it is looked past, it belongs to the word, it ends the word.
PASSED, CASED, OTHER = range(3)


class CodePoints:
    """What becomes of each code point.

    Args:
      entry: character -> (values, context), tuple of int and int, of which the attributes tell.
      final_sigma: bool.

    Attributes:
      final_sigma: as given: whether a capital sigma that ends a word is to be taken for FINAL_SIGMA.
      page_of: int32 [CODE_POINTS >> PAGE_BITS], and pages int32 [pages, 1 << PAGE_BITS]: code point -> its entry.
      row_splits: int32 [entries + 1]; entry i becomes values[row_splits[i]:row_splits[i + 1]]. SELF stands for the code
        point, BLANK for what separates words, NOTHING for a removed mark that ends a run of marks.
      values: int32.
      context: int32 [entries]: PASSED, CASED or OTHER.
    """

    def __init__(self, entry, final_sigma):
        self.final_sigma = final_sigma
        numbers, entry_of = {}, np.empty(CODE_POINTS, np.int32)
        for code_point in (*range(_NOTHING_FROM), *range(_NOTHING_TO, CODE_POINTS)):
            entry_of[code_point] = numbers.setdefault(entry(chr(code_point)), len(numbers))
        entry_of[_NOTHING_FROM:_NOTHING_TO] = numbers.setdefault(entry(chr(_NOTHING_FROM)), len(numbers))
        self.pages, self.page_of = np.unique(entry_of.reshape(-1, 1 << PAGE_BITS), axis=0, return_inverse=True)
        self.page_of = self.page_of.reshape(-1).astype(np.int32)
        self.row_splits = np.cumsum([0, *(len(values) for values, _ in numbers)]).astype(np.int32)
        self.values = np.array([value for values, _ in numbers for value in values], np.int32)
        self.context = np.array([context for _, context in numbers], np.int32)

    def entry(self, code_point):
        return int(self.pages[self.page_of[code_point >> PAGE_BITS], code_point & ((1 << PAGE_BITS) - 1)])


def basic_tokenizer(basic, split=True):
    """The CodePoints of everything that a BasicTokenizer does to single code points.

    Args:
      basic: BasicTokenizer.
      split: whether punctuation marks come between blanks.
    """
    final_sigma = basic.do_lower_case and basic.rules.final_sigma
    return CodePoints(functools.partial(_basic_tokenizer_entry, basic=basic, split=split), final_sigma)


def is_unassigned(char):
    """True for most code points: unassigned, private use, surrogates. No case, no marks, no decomposition."""
    return unicodedata.category(char) in ("Cn", "Co", "Cs")


def _basic_tokenizer_entry(char, basic, split):
    # Private use is like the unassigned to the original; other rules may remove it.
    if is_unassigned(char) and not is_cjk(char) and not basic.rules.is_removed(char):
        return (SELF,), OTHER
    clean = basic.clean(char)
    folded = "".join(map(basic.fold, clean))
    context = sigma_context(clean) if basic.do_lower_case and basic.rules.final_sigma else OTHER
    return _values(folded, char, basic, split), context


def _values(text, char, basic, split):
    values = []
    for one in text:
        combining = unicodedata.combining(one) if basic.strip_accents else 0
        if basic.strip_accents and basic.rules.is_mark(one):
            values += [] if combining else [NOTHING]
        elif one.isspace():
            values.append(BLANK)
        else:
            value = SELF if one == char and not combining else ord(one) | combining << CLASS_SHIFT
            values += [BLANK, value, BLANK] if split and basic.rules.is_punctuation(one) else [value]
    return tuple(values)


def sigma_context(text):
    """PASSED, CASED or OTHER. Asks Python itself, whose tables of these properties cannot be read."""
    sigma, final = chr(CAPITAL_SIGMA), chr(FINAL_SIGMA)
    if (text + sigma).lower().endswith(final):
        return CASED
    return PASSED if ("A" + text + sigma).lower().endswith(final) else OTHER
