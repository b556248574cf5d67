"""What a file is that is no text: known by its first bytes, as what people call it, with what to do."""

import re

_UNPACK = "unpack it first"
# What the file begins with, as a pattern -> (what it is, what to do).
_KINDS = {
    rb"PK\x03\x04.{0,4096}?xl/": ("an Excel workbook (.xlsx)", "save it as CSV, encoded in UTF-8"),
    rb"PK\x03\x04.{0,4096}?word/": ("a Word document (.docx)", "save it as plain text, encoded in UTF-8"),
    rb"PK\x03\x04": ("a .zip archive", "unpack it and name the files in it"),
    rb"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1": ("an Office file (.xls, .doc)", "save it as CSV or text, encoded in UTF-8"),
    rb"PAR1": ("a parquet file", "write it as CSV: pandas.read_parquet(FILE).to_csv(NAME, index=False)"),
    rb"ARROW1\0\0": ("an Arrow file", "write it as CSV: pandas.read_feather(FILE).to_csv(NAME, index=False)"),
    rb"BZh[1-9]1AY&SY": ("a bzip2 file", _UNPACK + " (bunzip2)"),
    rb"\xfd7zXZ\0": ("an xz file", _UNPACK + " (unxz)"),
    rb"\x28\xb5\x2f\xfd": ("a Zstandard file", _UNPACK + " (unzstd)"),
    rb"7z\xbc\xaf\x27\x1c": ("a 7-Zip archive", _UNPACK),
    rb"Rar!\x1a\x07": ("a RAR archive", _UNPACK),
    rb".{257}ustar": ("a tar archive", _UNPACK + " (tar -xf)"),
    rb"%PDF-": ("a PDF document", "save its text as plain text, encoded in UTF-8"),
    rb"\{\\rtf": ("a document in rich text format", "save it as plain text, encoded in UTF-8"),
    rb"\x89HDF\r\n\x1a\n": ("an HDF5 file", "name a file of text"),
    rb"SQLite format 3\0": ("a SQLite database", "write the table as CSV"),
    rb"\x93NUMPY": ("an array of numpy (.npy)", "name a file of text"),
    rb"\x80[\x02-\x05](?=[\x95}\]c(])": ("a pickle of Python", "write its contents as text or JSON lines"),
    rb"\x89PNG\r\n|\xff\xd8\xff|GIF8[79]a": ("a picture", "name a file of text"),
}
_PATTERNS = {re.compile(pattern, re.DOTALL): known for pattern, known in _KINDS.items()}


def kind_of(start):
    """(what a file is, what to do), from its first bytes, some thousand of them; None where it may be text."""
    return next((known for pattern, known in _PATTERNS.items() if pattern.match(start)), None)
