"""The table of contents of a .safetensors file, checked as strictly as the format is.

Source: the safetensors format, https://huggingface.co/docs/safetensors: 8 bytes of header length, a JSON header, then
the tensors' bytes without a hole between them. The reader is our own because it must name the offset at which a damaged
file breaks.
"""

import dataclasses

from bertline.common import json_files
from bertline.errors import InputError

LONGEST_HEADER = 100_000_000  # bytes; the reference implementation's bound
BITS = {
    "BOOL": 8,
    "F4": 4,
    "F6_E2M3": 6,
    "F6_E3M2": 6,
    "U8": 8,
    "I8": 8,
    "F8_E5M2": 8,
    "F8_E4M3": 8,
    "F8_E8M0": 8,
    "F8_E4M3FNUZ": 8,
    "F8_E5M2FNUZ": 8,
    "I16": 16,
    "U16": 16,
    "F16": 16,
    "BF16": 16,
    "I32": 32,
    "U32": 32,
    "F32": 32,
    "C64": 64,
    "F64": 64,
    "I64": 64,
    "U64": 64,
}
MEND = "copy the file again"
# A whole model's files in a folder: one, or shards that an index names.
WEIGHTS, SHARD_INDEX = "model.safetensors", "model.safetensors.index.json"


@dataclasses.dataclass(frozen=True)
class Entry:
    """A tensor: its dtype by the format's name, its shape, and the offsets of its bytes in the file."""

    name: str
    kind: str
    shape: tuple[int, ...]
    begin: int
    end: int


def read_header(file, size, path):
    """The entries of a file, in the order of their offsets.

    Args:
      file: binary, at its start. size: of the whole file, in bytes. path: for messages.

    Raises:
      InputError: anything that the format forbids; the message has the offset, and the tensor where there is one.
    """
    start = file.read(8)
    if start == b"version ":
        raise InputError(f"{path}: a git-lfs pointer, not the weights; fetch them with `git lfs pull`")
    length = int.from_bytes(start, "little")
    if size < 8 or 8 + length > size or length > LONGEST_HEADER:
        raise InputError(
            f"{path}: the header declared at offset 0 has {length} bytes, the file has {size}, and "
            f"{LONGEST_HEADER} are allowed; truncated or no safetensors file, copy it again"
        )
    raw = file.read(length)
    where = f"{path}: the header at offset 8"
    if raw.lstrip(b" \t\r\n")[:1] != b"{":
        raise InputError(f"{where} does not begin with {{; {MEND}")
    header = json_files.parse(raw, where, mend=MEND)
    _check_metadata(header.pop("__metadata__", None), where)
    data = 8 + length
    entries = sorted(
        (_entry(name, value, data, path) for name, value in header.items()), key=lambda e: (e.begin, e.end)
    )
    _check_cover(entries, data, size, path)
    return entries


def _check_metadata(metadata, where):
    if metadata is not None and not (
        isinstance(metadata, dict) and all(isinstance(value, str) for value in metadata.values())
    ):
        raise InputError(f"{where}: __metadata__ holds something else than strings; {MEND}")


def _entry(name, value, data, path):
    def fault(what, found, wanted):
        return InputError(
            f"{path}: tensor {_show(name)}: {what} is {json_files.excerpt(found)}, {wanted} is needed; {MEND}"
        )

    if not isinstance(value, dict):
        raise fault("its entry", value, "an object")
    kind, shape, offsets = (value.get(key) for key in ("dtype", "shape", "data_offsets"))
    if not isinstance(kind, str) or kind not in BITS:
        raise fault("dtype", kind, "one that the format has, as F32,")
    if not _are_counts(shape):
        raise fault("shape", shape, "a list of whole numbers from 0 on")
    if not _are_counts(offsets) or len(offsets) != 2 or offsets[0] > offsets[1]:
        raise fault("data_offsets", offsets, "a list of begin and end")
    begin, end = (data + offset for offset in offsets)
    if 8 * (end - begin) != BITS[kind] * _product(shape):
        raise InputError(
            f"{path}: tensor {_show(name)} at offset {begin}: {end - begin} bytes for {kind} "
            f"{json_files.excerpt(list(shape))}; {MEND}"
        )
    return Entry(name, kind, tuple(shape), begin, end)


def _are_counts(numbers):
    return isinstance(numbers, list) and all(type(number) is int and 0 <= number < 1 << 64 for number in numbers)


def _product(numbers):
    """Their product, as far as it is needed to see that no file is as large: a header may have a million of them."""
    result = 0 if 0 in numbers else 1
    for number in numbers:
        result *= number
        if result >= 1 << 64:
            break
    return result


def _show(name):
    return name if len(name) <= 120 else f"{name[:120]}..."


def _check_cover(entries, data, size, path):
    """Raises InputError where the tensors do not lie end to end from the header to the end of the file."""
    end = data
    for entry in entries:
        if entry.end > size:
            raise InputError(
                f"{path}: tensor {_show(entry.name)} lies at offsets {entry.begin} to {entry.end}, the file ends at "
                f"{size}; truncated, copy it again"
            )
        if entry.begin != end:
            what = (
                "overlaps the one before it, which ends"
                if entry.begin < end
                else "leaves a hole after the bytes that end"
            )
            raise InputError(f"{path}: tensor {_show(entry.name)} at offset {entry.begin} {what} at {end}; {MEND}")
        end = entry.end
    if end != size:
        raise InputError(f"{path}: the last tensor ends at offset {end}, the file at {size}; {MEND}")
