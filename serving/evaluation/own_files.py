"""Tables of a user's own: whether they hold scores of pairs or classes is said by their header."""

import json
import os

from errors import InputError
from processors.rows import read_rows
from processors.text_files import read_lines

DELIMITERS = {".tsv": "\t", ".txt": "\t", ".csv": ",", ".jsonl": None}
SCORE, CLASS = {"score"}, {"label", "intent", "class"}


def problem_type(path, encoding=None):
    """ "regression" or "single_label_classification", for a file or a folder with train, dev or test.

    Raises:
      InputError: a file whose header has neither a score nor a label.
    """
    if os.path.isdir(path):
        names = [split + ending for split in ("train", "dev", "test") for ending in DELIMITERS]
        files = [os.path.join(path, name) for name in names if os.path.exists(os.path.join(path, name))]
        # Of an empty folder the processor says what is missing.
        return problem_type(files[0], encoding) if files else "single_label_classification"
    header = _header(path, encoding or "utf-8")
    names = {str(cell).strip().lower() for cell in header}
    if names & CLASS:
        return "single_label_classification"
    if names & SCORE:
        return "regression"
    found = ", ".join(str(cell)[:40] for cell in header[:8])
    raise InputError(
        f"{path}:1: the header is {found}; columns text_a, text_b and score, or text and label, are needed"
    )


def _header(path, encoding):
    ending = os.path.splitext(path)[1].lower()
    if ending not in DELIMITERS:
        raise InputError(f"{path}: the ending is none of {', '.join(DELIMITERS)}; rename the file")
    delimiter = DELIMITERS[ending]
    if delimiter:
        return read_rows(path, delimiter, '"' if delimiter == "," else None, encoding)[0]
    try:
        return list(json.loads(read_lines(path, encoding, "--encoding")[0]))
    except (ValueError, TypeError):
        return ["no JSON object"]
