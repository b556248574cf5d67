"""Tables of a user's own: whether they hold scores of pairs or classes is said by their header."""

import os

from bertline.errors import InputError
from bertline.processors.tables.table_files import ENDINGS, KINDS, TableFile, ending_of

SCORE, CLASS = {"score"}, {"label", "intent", "class"}


def is_own_file(path):
    """Whether a name is that of a file that can be a table."""
    return ending_of(path) in KINDS


def name_of(path):
    """What a file's task is called."""
    return os.path.splitext(os.path.basename(path).removesuffix(".gz"))[0]


def problem_type(path, encoding=None):
    """ "regression" or "single_label_classification", for a file or a folder with train, dev or test.

    Raises:
      InputError: a file whose header has neither a score nor a label.
    """
    if os.path.isdir(path):
        names = [split + ending for split in ("train", "dev", "test") for ending in ENDINGS]
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
    table = TableFile(path, encoding=encoding)
    return table.keys() or next(table.rows(), [])
