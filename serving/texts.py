"""What may be a text: a str, or a pair of them. Anything else is an error that names its row."""

from collections.abc import Iterable, Mapping, Set

from errors import InputError

_NEEDED = "a str is needed, or a pair of str"


def checked(texts):
    """The texts one by one, each a str or a tuple of two.

    Args:
      texts: iterable, which may be endless; a pair may also be a list, or a row of a numpy array.

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
    return (_checked(text, f"texts[{row}]") for row, text in enumerate(texts))


def checked_one(text, place="text"):
    """A single text or pair, likewise. Raises InputError; `place` is what it calls the text."""
    return _checked(text, place)


def is_missing(value):
    """Whether a value says that there is none: None, NaN, or what pandas has for it."""
    return value is None or type(value).__name__ in ("NAType", "NaTType") or (isinstance(value, float) and value != value)


def _checked(text, place):
    if isinstance(text, str):
        return _whole(text, place)
    text = text.tolist() if hasattr(text, "tolist") else text  # numpy's
    if isinstance(text, (tuple, list)):
        if len(text) != 2:
            count = f"{len(text)} text{'' if len(text) == 1 else 's'}"
            raise InputError(f"{place}: {count} in a row; {_NEEDED}")
        for number, part in enumerate(text):
            if not isinstance(part, str):
                raise InputError(f"{place}[{number}]: {_found(part)}; {_NEEDED}")
            _whole(part, f"{place}[{number}]")
        return tuple(text)
    raise InputError(f"{place}: {_found(text)}; {_NEEDED}")


def _whole(text, place):
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


def _found(value):
    """What stands in the place of a text, and what to do about it."""
    if is_missing(value):
        return f"{value!r}, a missing value (leave such rows out, or fill them; pandas: .dropna(), .fillna(''))"
    if isinstance(value, (bytes, bytearray)):
        return "bytes (.decode() makes a str of them)"
    return f"{value!r:.40}, of type {type(value).__name__}"
