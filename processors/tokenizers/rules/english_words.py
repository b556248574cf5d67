"""English words and punctuation marks as GPT-1 has them before it joins characters.

Source: `text_standardize` of openai/finetune-transformer-lm, text_utils.py; then the words of spaCy, of whose rules for
English the main ones are restated here: marks around words, contractions, what stays whole. Of ftfy, which the original
repairs texts with first, quotation marks are done and composed characters.
"""

import functools
import re
import unicodedata

from bertline.processors.tokenizers.rules.normalization import convert_to_unicode

# Curled quotation marks are straightened by ftfy.
_REPLACED = {"“": '"', "”": '"', "‘": "'", "’": "'", "—": "-", "–": "-", "―": "-", "…": "...", "´": "'"}
_APART = re.compile(r"(-+|~+|!+|\"+|;+|\?+|\++|,+|\)+|\(+|\\+|/+|\*+|\[+|\]+|}+|{+|\|+|_+)")
_CHUNK = re.compile(r" |[^\S ]\s*|\S+")

_MARKS = r"…,:;!?¿¡()\[\]{}<>_#*&。？！，、；：～·।"
_QUOTES = "'\"”“`‘´’‚»«「」『』（）〔〕【】《》〈〉"
_CURRENCY = "$£€¥฿₽₴₹₩₺"
_UNITS = "km|cm|mm|dm|nm|m|kg|mg|g|t|lb|oz|ml|l|gb|mb|kb|hrs|hr|min|mph|kmh|hz|%"
_PREFIX = re.compile(rf"\.\.+|[§%={_MARKS}{_QUOTES}{_CURRENCY}]|\+(?![0-9])")
_SUFFIX = re.compile(
    rf"(?:\.\.+|[{_MARKS}{_QUOTES}]|['’][sS]|(?<=[0-9])\+|(?<=[0-9])[{_CURRENCY}]|(?<=[0-9])(?:{_UNITS})"
    rf"|(?<=[0-9a-z{_QUOTES}%²\-+])\.|(?<=[A-Z][A-Z])\.)$"
)
_LETTER = r"[^\W\d_]"
_INFIX = re.compile(
    rf"\.\.+|(?<=[0-9])[*^](?=[0-9-])|(?<=[a-z{_QUOTES}])\.(?=[A-Z{_QUOTES}])|(?<={_LETTER}),(?={_LETTER})"
    rf"|(?<=[^\W_])[:<>=/](?={_LETTER})"
)
_ADDRESS = re.compile(
    r"(?:https?://\S+|www\.\S+|[\w.+-]+@[\w-]+\.[\w.]+|[\w-]+(?:\.[\w-]+)*\.(?:com|org|net|edu|gov))$"
)
# What is one word though a mark stands in it.
_WHOLE = re.compile(
    r"(?:(?:[A-Za-z]\.)+|(?:mr|mrs|ms|dr|prof|st|jr|sr|inc|ltd|co|corp|vs|etc|e\.g|i\.e|a\.m|p\.m|no|gen|gov|rep|sen)\."
    r"|:[-']?[()DPpo3/|]|;[-']?[()DP]|<3|['’](?:em|bout|cause|cos|cuz|ll|nuff|d|s))$",
    re.IGNORECASE,
)
_NEGATED = re.compile(
    r"(?P<verb>ai|are|ca|can|could|did|do|does|had|has|have|is|may|might|must|need|ought|sha|should|was|were|wo|would)"
    r"(?P<nt>n['’]?t)(?P<have>['’]?ve)?$",
    re.IGNORECASE,
)
_SHORTENED = re.compile(
    r"(?P<word>i|you|he|she|it|we|they|who|what|when|where|why|how|there|that|this|could|might|must|should|would)"
    r"(?P<end>['’](?:ll|ve|re|m|d|s))(?P<have>['’]ve)?$",
    re.IGNORECASE,
)
_JOINED = re.compile(r"(?P<first>can|gon|got|wan|gim|lem)(?P<second>not|na|ta|me)$", re.IGNORECASE)
_JOINED_WHOLE = {"cannot", "gonna", "gotta", "gimme", "lemme"}


def standardize(text):
    """A text with runs of marks between blanks, and white space as one blank or line end."""
    text = unicodedata.normalize("NFC", text)
    for char, other in _REPLACED.items():
        text = text.replace(char, other)
    text = _APART.sub(r" \1 ", text)
    text = re.sub(r"\s*\n\s*", " \n ", text)
    return re.sub(r"[^\S\n]+", " ", text).strip()


def english_words(text):
    """The words of a text in lower case, list of str; a line end is a word."""
    found = []
    for chunk in standardize(convert_to_unicode(text)).split(" "):
        found += [chunk] if not chunk.strip() else _words(chunk)
    return [word for word in found if word]


@functools.lru_cache(1 << 16)
def _words(chunk):
    """What stands between blanks, cut at its ends and then inside."""
    before, after = [], []
    while chunk and not (special := _special(chunk)):
        prefix = _PREFIX.match(chunk)
        if prefix and len(prefix[0]) < len(chunk):
            before.append(prefix[0])
            chunk = chunk[prefix.end() :]
            continue
        suffix = _SUFFIX.search(chunk)
        if not suffix or suffix.start() == 0:
            break
        after.append(suffix[0])
        chunk = chunk[: suffix.start()]
    inside = special or ([chunk] if _ADDRESS.match(chunk) else _inside(chunk)) if chunk else []
    return [word.lower() for word in (*before, *inside, *reversed(after))]


def _special(chunk):
    """The words of an exception to the rules; None for what is none."""
    if _WHOLE.match(chunk):
        return [chunk]
    if chunk.lower() in _JOINED_WHOLE:
        return list(_JOINED.match(chunk).groups())
    match = _NEGATED.match(chunk) or _SHORTENED.match(chunk)
    return [part for part in match.groups() if part] if match else None


def _inside(chunk):
    found, start = [], 0
    for match in _INFIX.finditer(chunk):
        found += [chunk[start : match.start()], match[0]]
        start = match.end()
    return [part for part in (*found, chunk[start:]) if part]
