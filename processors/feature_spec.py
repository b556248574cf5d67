"""What a record holds: one declaration for the writer and the parser."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Feature:
    """One named array of a record.

    Attributes:
      dtype: "int32" or "float32"; TFRecords store both widths of integers as int64.
      shape: () a number, (n,) n numbers, (None,) one number per token (or other unit), at true length in the record.
      along: of the last kind: the ids whose length it has; a record of several texts has several.
      default: what stands where a record lacks the feature, repeated over its shape; None makes it required.
      at_most: a record may hold fewer than the n numbers of its shape, as many as of `along`; the parser fills up
        with 0.
      points_into: the numbers are places among these ids, from 0.
    """

    dtype: str
    shape: tuple = ()
    default: float | None = None
    at_most: bool = False
    along: str = "input_ids"
    points_into: str | None = None

    @property
    def is_sequence(self):
        return self.shape == (None,)


# The row's number among the examples of its split: finds guid and text again. Records of the original lack it.
EXAMPLE_INDEX = {"example_index": Feature("int32", default=-1)}
# Of a row that was cut to --max_seq_length: the tokens that its longest text had before, special ones included; 0 of
# other rows, and of records of the original, which do not tell.
UNCUT_LENGTH = {"uncut_length": Feature("int32", default=0)}


def token_ids(spec):
    """Names of the features that hold a text's tokens, one per text of a record, in the order of the spec."""
    return list(dict.fromkeys(feature.along for feature in spec.values() if feature.is_sequence))


def mask_of(ids_name):
    """The name of the mask of a text's tokens."""
    return ids_name.removesuffix("input_ids") + "input_mask"
