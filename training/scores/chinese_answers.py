"""Scores of Chinese answers, as the official program of CMRC 2018 counts them: by characters.

Source: Cui et al. 2018, https://arxiv.org/abs/1810.07366, section 4; cmrc2018_evaluate.py.
"""

import difflib
import re

from bertline import registry
from bertline.training.scores.answers import AnswerScore

# Its list of punctuation, which is all that is left out; an ellipsis is on it as two characters, which none is.
_PUNCTUATION = frozenset("-:_*^/\\~`+=，。：？！“”；’《》·、「」（）－～『』")
_OTHER = r"(?:(?![\u4e00-\u9fa5])\w)+"
# A Chinese character, or a word of other ones, with points and commas inside. The official program takes NLTK's words
# there, which differ in contractions (don't) and abbreviations (u.s.).
_SEGMENT = re.compile(rf"[\u4e00-\u9fa5]|{_OTHER}(?:\.{_OTHER}|,\d+)*|[^\w\s]")


@registry.register("score", "chinese_answer_f1")
class ChineseAnswerF1(AnswerScore):
    """F1 over the longest stretch of characters that two answers share, and exact matches without punctuation."""

    prefix = "chinese_"

    def normalize(self, text):
        return "".join(one for one in text.lower().strip() if one not in _PUNCTUATION)

    def overlap(self, gold, text):
        gold, text = segments(gold), segments(text)
        if not gold or not text:
            return float(gold == text)
        longest = difflib.SequenceMatcher(None, gold, text, autojunk=False).find_longest_match().size
        return 2.0 * longest / (len(gold) + len(text))


def segments(text):
    """Chinese characters, words and signs of a text, list of str."""
    return _SEGMENT.findall("".join(one for one in text.lower() if one not in _PUNCTUATION))
