"""Linear maps of finished vectors, fitted without labels on the vectors of some texts and kept in a file.

whitening[:N]: mean 0, covariance 1, in the N directions of most variance; without N in all that have variance at all:
  a BERT's vectors lack one or more, since its last layer norm binds their components. Su et al. 2021,
  https://arxiv.org/abs/2103.15316, section 3.2.
remove_components[:N]: mean 0, without the N (1) directions of most variance. Mu and Viswanath 2018,
  https://arxiv.org/abs/1702.01417, section 2.2; here the mean is taken off before the projection too, so that the
  result's mean is 0.
common_component[:N]: without the N (1) first right singular vectors, the mean left in. Arora et al. 2017,
  https://openreview.net/forum?id=SyK00v5xx, algorithm 1.
"""

import difflib
import json
import logging
import zipfile
import zlib

import numpy as np

from bertline.common import json_files
from bertline.common.files import replace_file
from bertline.errors import InputError

KINDS = ("whitening", "remove_components", "common_component")
ENDING = ".npz"
# Directions of less variance than this share of the largest are rounding.
LEAST_SHARE = 1e-12
_MEND = "no file of evaluate_vectors.py --save_transform; give one"
_NO_ARRAYS = (
    KeyError,
    ValueError,
    TypeError,
    EOFError,
    MemoryError,
    OverflowError,
    NotImplementedError,
    zlib.error,
    zipfile.BadZipFile,
)


class VectorTransform:
    """x -> (x - mean) @ matrix, then length 1 where the vectors that it was fitted on have that.

    Attributes:
      mean: float32 [W]. matrix: float32 [W, V].
      name: as of `parse`. texts: how many it was fitted on.
      made_with: what those vectors were made with, a dict as JSON gives it back; "normalize" and "weights" in it count.
    """

    def __init__(self, mean, matrix, name, texts, made_with=None):
        self.mean, self.matrix = np.asarray(mean, np.float32), np.asarray(matrix, np.float32)
        self.name, self.texts, self.made_with = name, texts, json.loads(json.dumps(made_with or {}))

    def __call__(self, vectors):
        """float [n, W] -> float32 [n, V]."""
        result = (np.asarray(vectors, np.float32) - self.mean) @ self.matrix
        if self.made_with.get("normalize"):
            result /= np.maximum(np.linalg.norm(result, axis=1, keepdims=True), 1e-12)
        return result

    def check(self, path, made_with):
        """Raises InputError where vectors made with `provenance` are others than those that it was fitted on.

        Args:
          made_with: as of the function of that name.

        Other weights, or the same in another precision, are a warning: only the user knows what they are.
        """
        there, here = self.made_with, json.loads(json.dumps(made_with))
        for name in sorted((there.keys() | here.keys()) - {"weights", "width"}):
            if there.get(name) != here.get(name):
                raise InputError(
                    f"--transform={path}: fitted on vectors with {name} {there.get(name)!r}, here it is "
                    f"{here.get(name)!r}"
                )
        width = here.get("width", len(self.mean))
        if width != len(self.mean):
            raise InputError(
                f"--transform={path}: fitted on vectors of {len(self.mean)} numbers, here they have {width}; it is of "
                "another model, so fit one anew"
            )
        if there.get("weights") != here.get("weights"):
            logging.warning("%s: fitted on the vectors of another model, or of another --dtype", path)

    def fingerprint(self):
        """A checksum, hex."""
        return f"{zlib.crc32(self.matrix.tobytes(), zlib.crc32(self.mean.tobytes())):08x}"

    def save(self, path):
        """Raises InputError where the file cannot be written."""
        said = json.dumps({"name": self.name, "texts": self.texts, "made_with": self.made_with})
        with replace_file(path) as temporary, open(temporary, "wb") as file:
            np.savez(file, mean=self.mean, matrix=self.matrix, transform=np.array(said))


def provenance(encoder, options):
    """What the vectors of a TextEncoder depend on: its weights, the VectorOptions; and their width."""
    return {**options.describe(), "weights": encoder.fingerprint(), "width": options.width(encoder.config.width)}


def load(path):
    """The VectorTransform of a file. Raises InputError: no such file, or another kind of file."""
    try:
        with np.load(path) as file:
            mean, matrix, said = file["mean"], file["matrix"], str(file["transform"])
    except OSError as error:
        raise InputError(f"--transform={path}: cannot be read: {error.strerror or error}") from None
    except _NO_ARRAYS:
        raise InputError(f"--transform={path}: {_MEND}") from None
    said = json_files.parse(said, f"--transform={path}", mend=_MEND)
    fits = mean.ndim == 1 and matrix.ndim == 2 and matrix.shape[0] == len(mean) > 0 < matrix.shape[1]
    numbers = all(np.issubdtype(one.dtype, np.floating) and np.isfinite(one).all() for one in (mean, matrix))
    kinds = {"name": str, "texts": int, "made_with": dict}
    if not (fits and numbers and said.keys() == kinds.keys() and all(isinstance(said[n], kinds[n]) for n in kinds)):
        raise InputError(f"--transform={path}: {_MEND}")
    return VectorTransform(mean, matrix, **said)


def parse(name):
    """ "whitening:256" -> ("whitening", 256); (kind, None) without a number.

    Raises:
      InputError: an unknown kind, or no number above 0; the message has the nearest kind.
    """
    kind, colon, amount = name.partition(":")
    if kind not in KINDS:
        near = difflib.get_close_matches(kind, KINDS, n=1, cutoff=0.5)
        hint = f"did you mean {near[0]}? " if near else ""
        raise InputError(f"--transform={name}: {hint}known: none, {', '.join(KINDS)}, or a file that ends in {ENDING}")
    if colon and not (amount.isdecimal() and int(amount) > 0):
        raise InputError(f"--transform={name}: a number above 0 is needed after the colon, as {kind}:1")
    return kind, int(amount) if colon else None


def fit(name, vectors, made_with=None):
    """The VectorTransform of a name as of `parse`.

    Args:
      vectors: float [n, W].
      made_with: see VectorTransform.

    Raises:
      InputError: too few vectors, or too few different ones, for what is asked.
    """
    kind, amount = parse(name)
    vectors = np.asarray(vectors, np.float64)
    count, width = vectors.shape
    directions = amount or (width if kind == "whitening" else 1)
    most = width if kind == "whitening" else width - 1
    if directions > most:
        raise InputError(f"--transform={name}: the vectors have {width} dimensions; at most {kind}:{most} is possible")
    if count <= directions:
        fewer = f", or {kind}:N with N below {count}" if count > 2 else ""
        raise InputError(
            f"--transform={name}: {count} texts are too few for {directions} dimensions; fit it on more than "
            f"{directions} (--fit_texts){fewer}"
        )
    mean = np.zeros(width) if kind == "common_component" else vectors.mean(axis=0)
    centred = vectors - mean
    variances, axes = np.linalg.eigh(centred.T @ centred / (count - 1))
    variances, axes = variances[::-1], axes[:, ::-1]
    spanned = int(np.sum(variances > max(LEAST_SHARE * variances[0], 0.0)))
    if spanned < (amount or 1):
        raise InputError(
            f"--transform={name}: the vectors of the {count} texts vary in {spanned} directions only; fit it on more "
            f"texts that differ (--fit_texts){f', or take {kind}:{spanned}' if spanned else ''}"
        )
    directions = min(directions, spanned)
    variances, axes = variances[:directions], axes[:, :directions]
    if kind == "whitening":
        # An axis has no sign of its own: its largest part is positive, whatever the library gives.
        signs = np.sign(axes[np.abs(axes).argmax(axis=0), np.arange(directions)])
        matrix = axes * (signs / np.sqrt(variances))
    else:
        matrix = np.eye(width) - axes @ axes.T
    return VectorTransform(mean, matrix, name, count, made_with)
