"""What may be an input: a text, a pair, words, a question with its context, a query with its candidates.

All else is an error that names its row.
"""

from collections.abc import Iterable, Mapping, Set

from bertline.errors import InputError

_NEEDED = "a str is needed, or a pair of str"


def check_texts(texts, check=None, name="texts"):
    """The texts one by one, each a str or a tuple of two, or what another check makes of them.

    Args:
      texts: iterable, which may be endless; a pair may also be a list, or a row of a numpy array.
      check: `check_text` or another function of this form.
      name: what errors call the list.

    Raises:
      TypeError: at once, for what is no list of texts: a single text, a dict, a set, a pandas DataFrame.
      InputError: when it comes to it, for a row that is no text; the first one is row 0.
    """
    if isinstance(texts, (str, bytes)):
        raise TypeError("a list of texts is needed, not a single one; put it in brackets: [text]")
    if hasattr(texts, "columns"):
        raise TypeError("a list of texts is needed, not a whole table; give a column: table['text']")
    if isinstance(texts, (Mapping, Set)) or not isinstance(texts, Iterable):
        raise TypeError(f"a list of texts is needed, found a {type(texts).__name__}")
    check = check or check_text
    return (check(text, f"{name}[{row}]") for row, text in enumerate(texts))


def is_missing(value):
    """Whether a value says that there is none: None, NaN, or what pandas has for it."""
    is_nan = isinstance(value, float) and value != value
    return value is None or is_nan or type(value).__name__ in ("NAType", "NaTType")


def check_text(text, place="text"):
    """A single text or pair, likewise. Raises InputError; `place` is what it calls the text."""
    if isinstance(text, str):
        return _check_whole(text, place)
    text = text.tolist() if hasattr(text, "tolist") else text  # numpy's
    if isinstance(text, (tuple, list)):
        if len(text) != 2:
            count = f"{len(text)} text{'' if len(text) == 1 else 's'}"
            raise InputError(f"{place}: {count} in a row; {_NEEDED}")
        for number, part in enumerate(text):
            if not isinstance(part, str):
                raise InputError(f"{place}[{number}]: {_describe(part)}; {_NEEDED}")
            _check_whole(part, f"{place}[{number}]")
        return tuple(text)
    raise InputError(f"{place}: {_describe(text)}; {_NEEDED}")


def checked_words(given, place="text"):
    """A sentence, as a raw text (str) or as its words (a tuple of str). Raises InputError."""
    if isinstance(given, str):
        return _check_whole(given, place)
    given = given.tolist() if hasattr(given, "tolist") else given
    if not isinstance(given, (tuple, list)):
        raise InputError(f"{place}: {_describe(given)}; a str is needed, or a list of words")
    for number, word in enumerate(given):
        if not isinstance(word, str):
            raise InputError(f"{place}[{number}]: {_describe(word)}; a word, a str, is needed")
        _check_whole(word, f"{place}[{number}]")
    return tuple(given)


def checked_question(given, place="question"):
    """(question, context) of a pair of str, or of a dict that has both by these names.

    Raises:
      InputError: something else, or a question or a context without a character but white space.
    """
    if isinstance(given, Mapping):
        if given.keys() != {"question", "context"}:
            names = ", ".join(map(str, given)) or "nothing"
            raise InputError(f"{place}: a dict of {names}; question and context are needed")
        given = given["question"], given["context"]
    given = given.tolist() if hasattr(given, "tolist") else given
    if not isinstance(given, (tuple, list)) or len(given) != 2:
        raise InputError(f"{place}: {_describe(given)}; a question and its context are needed, two str")
    for name, part in zip(("question", "context"), given):
        if not isinstance(part, str):
            raise InputError(f"{place}: the {name} is {_describe(part)}; a str is needed")
        if not _check_whole(part, f"{place}: the {name}").strip():
            raise InputError(f"{place}: the {name} is empty; give one, or leave the row out")
    return tuple(given)


def checked_query(given, place="query"):
    """(query, tuple of candidates) of a pair (str, list of str), or of a dict that has both by these names.

    Raises:
      InputError: something else, or no candidate. A text without a character is one.
    """
    if isinstance(given, Mapping):
        given = given.get("query"), given.get("candidates")
    query, candidates = given if isinstance(given, (tuple, list)) and len(given) == 2 else (None, None)
    candidates = candidates.tolist() if hasattr(candidates, "tolist") else candidates  # numpy's
    if not isinstance(candidates, (tuple, list)) or not candidates:
        raise InputError(f"{place}: a query and a list of candidates are needed, one candidate at least")
    names = ("the query", *(f"candidate {number}" for number in range(len(candidates))))
    for name, text in zip(names, (query, *candidates)):
        if not isinstance(text, str):
            raise InputError(f"{place}: {name} is {_describe(text)}; a str is needed")
        _check_whole(text, f"{place}: {name}")
    return query, tuple(candidates)


def _check_whole(text, place):
    """The text, unless it has half of a surrogate pair, which no encoding can hold and JSON may smuggle in."""
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError as error:
            raise InputError(
                f"{place}: character {error.start} is {text[error.start]!a}, half of a surrogate pair, which is no "
                "character; text.encode('utf-16', 'surrogatepass').decode('utf-16', 'replace') joins halves"
            ) from None
    return text


def _describe(value):
    """What stands in the place of a text, and what to do about it."""
    if is_missing(value):
        return f"{value!r}, a missing value (leave such rows out, or fill them; pandas: .dropna(), .fillna(''))"
    if isinstance(value, (bytes, bytearray)):
        return "bytes (.decode() makes a str of them)"
    return f"{value!r:.40}, of type {type(value).__name__}"
