"""What a record holds: one declaration for the writer, the parser and the checks."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Feature:
    """One named array of a record.

    Attributes:
      dtype: "int32" or "float32"; TFRecords store both widths of integers as int64.
      axes: of each row. () is a number, (7,) seven numbers, ("tokens",) one number per token, ("words", 50) fifty per
        word, ("sentences", "tokens") one per token of each sentence. An axis that is named has its own length in each
        row; in a batch it is as long as the longest row needs.
      absent: what stands where a record lacks the feature, repeated over its axes; None makes it required.
      padding: what fills an axis up in a batch.
      at_most: a record may hold fewer than the n numbers of axes (n,), as many as the feature that is named here has;
        the parser fills up with 0.
      points_into: the numbers are places on this axis, from 0.
    """

    dtype: str
    axes: tuple = ()
    absent: float | None = None
    padding: float = 0
    at_most: str | None = None
    points_into: str | None = None

    @property
    def named_axes(self):
        """The axes that have a length in each row, () or one or two names."""
        return tuple(axis for axis in self.axes if isinstance(axis, str))

    @property
    def numbers(self):
        """How many numbers stand at one place of the named axes."""
        count = 1
        for axis in self.axes:
            count *= axis if isinstance(axis, int) else 1
        return count


# The row's number among the examples of its split: finds guid and text again. Records of the original lack it.
EXAMPLE_INDEX = {"example_index": Feature("int32", absent=-1)}
# Of an example that is several rows: the row's number among them, from 0.
PART = {"part": Feature("int32", absent=0)}
# Of a row that was cut to --max_seq_length: the tokens that its longest text had before, special ones included; 0 of
# other rows, and of records of the original, which do not tell.
UNCUT_LENGTH = {"uncut_length": Feature("int32", absent=0)}
# Of an example that is several windows in one row: the tokens of each, one window after the other.
WINDOW_LENGTHS = "window_lengths"


def axes_of(spec):
    """Named axis -> the feature that has its length in a row: the first one that begins with it."""
    found = {}
    for name, feature in spec.items():
        if feature.named_axes:
            found.setdefault(feature.axes[0], name)
    return found


def token_axes(spec):
    """The axes of tokens, one per text of a row, in the order of the spec."""
    return [axis for axis in axes_of(spec) if axis.endswith("tokens")]


def ids_of(axis):
    """The name of the ids that stand on an axis: input_ids of "tokens", a_input_ids of "a_tokens"."""
    return f"{axis.removesuffix('tokens')}input_ids" if axis.endswith("tokens") else f"{axis.removesuffix('s')}_ids"


def mask_of(axis):
    """The name of the mask of an axis: input_mask of "tokens", a_input_mask of "a_tokens", word_mask of "words"."""
    return f"{axis.removesuffix('tokens')}input_mask" if axis.endswith("tokens") else f"{axis.removesuffix('s')}_mask"


def lengths_of(name):
    """The entry of a record that has the lengths of the inner axis of a feature with two named axes."""
    return f"{name}/lengths"
