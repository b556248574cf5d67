"""How an example's tokens are laid out for an encoder: examples -> rows of named arrays."""

import dataclasses
import functools
import typing
from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np

from bertline import registry
from bertline.errors import InputError

LONGEST_APART = 1 << 16  # tokens of a row that a part reads which takes any number
ENCODING_BATCH = 4096  # texts per call of the tokenizer: large enough to amortise the call, small enough for memory


class Layout:
    """Base of all layouts: `spec`, name -> Feature; `features`, examples -> rows; `fingerprint`.

    `features` yields a list of rows for each example: one, or the parts of what is longer than a row. A row has the
    arrays of the spec, and `uncut_length` (bertline.processors.records.feature_spec) where it was cut.

    Attributes:
      name: the registered name.
      makes_parts: whether an example may be several rows.
      is_original: whether the original has records of it.
      is_over_own: whether it is made of what an encoder reads of one text, rather than of a tokenizer.
      packs_ids: whether ids of tokens are all that a row is made of.
      reads_whole_texts: whether each example, a text or a pair, is one row that is read as one text.
      needs_pairs: whether each example needs a second text.
      cuts_texts: whether a text that is longer than a row loses what the Truncation of the encoder's own layout says.
      stacks_texts: whether the texts of a row come below each other, so that all are as long in a batch.
      max_seq_length: tokens that an encoder reads at once, special ones included.
    """

    name: str = ""
    makes_parts = is_over_own = is_original = reads_whole_texts = needs_pairs = stacks_texts = False
    packs_ids = cuts_texts = True
    max_seq_length: int

    @property
    def max_row_tokens(self) -> int:
        """Tokens of the longest row."""
        return self.max_seq_length

    @property
    def limit(self) -> str:
        """What longer texts are cut to, in words."""
        return f"--max_seq_length={self.max_seq_length}"

    def check(self, examples: Iterable) -> None:
        """Raises InputError for the first InputExample that cannot be laid out."""

    def rows(self, texts: list[str], second_texts: list[str] | None = None) -> "Rows":
        """The Rows of many texts, or of pairs of texts. Raises InputError for pairs, where they cannot be."""
        raise NotImplementedError

    def features(self, examples: Sequence) -> Iterator[list[dict[str, typing.Any]]]:
        """Yields the rows of each example, dicts of arrays; here of InputExamples, one each."""
        for start in range(0, len(examples), ENCODING_BATCH):
            part = examples[start : start + ENCODING_BATCH]
            rows = self.rows([example.text_a for example in part], [example.text_b or "" for example in part])
            for i, (is_cut, full) in enumerate(zip(rows.cut, rows.full_lengths)):
                yield [{**rows.row(i), "uncut_length": np.int32(full)} if is_cut else rows.row(i)]

    def config_entries(self) -> dict[str, typing.Any]:
        """What config.json of a trained model says of the layout."""
        return {}

    @classmethod
    def saved_options(cls, config: dict, max_seq_length: int) -> dict[str, typing.Any]:
        """What `config_entries` wrote, as arguments of the constructor beside the layout that it is made of.

        Args:
          config: dict of a config.json, which may be another program's.

        Raises:
          InputError: an entry that cannot be.
        """
        return {}

    def graph_form(self) -> Callable:
        """The layout as operations of a TensorFlow graph, (ids of texts, those of second ones) -> a batch of features.

        Raises:
          InputError: there is none.
        """
        raise InputError(f"the layout {self.name} of this encoder cannot be put into a graph")


@dataclasses.dataclass
class Rows:
    """Features of n examples, end to end.

    Attributes:
      values: name -> int32 [total]; row i has values[name][row_splits[i]:row_splits[i + 1]].
      row_splits: int64 [n + 1].
      full_lengths: int64 [n], tokens that the rows would have uncut, special ones included.
      apart: prefix -> Rows of the same n examples, which a part of the encoder reads (`layouts.aligned`).
    """

    values: dict[str, np.ndarray]
    row_splits: np.ndarray
    full_lengths: np.ndarray
    apart: dict[str, "Rows"] = dataclasses.field(default_factory=dict)

    @functools.cached_property
    def lengths(self) -> np.ndarray:
        """int64 [n]."""
        return self.row_splits[1:] - self.row_splits[:-1]

    @functools.cached_property
    def cut(self) -> np.ndarray:
        """bool [n], whether tokens were dropped."""
        return self.lengths < self.full_lengths

    def row(self, number: int) -> dict[str, np.ndarray]:
        """Name -> array of one example; those that lie apart have their prefix."""
        here = slice(self.row_splits[number], self.row_splits[number + 1])
        found = {name: values[here] for name, values in self.values.items()}
        for prefix, rows in self.apart.items():
            found |= {prefix + name: array for name, array in rows.row(number).items()}
        return found


def get(name: str) -> type[typing.Any]:
    """The layout class of that name. Raises InputError for an unknown one."""
    return registry.get("layout", name)


def own_layout(config, tokenizer, max_seq_length, truncation=None):
    """What an encoder reads of one text: its own layout, and beside it those of parts that read rows of their own.

    Args:
      config: an EncoderConfig.
      tokenizer: its `parts` are those of the parts.
      max_seq_length: tokens of a row. A part has as many as its own configuration allows.
      truncation: a bertline.processors.layouts.truncation.Truncation, of what is longer; None: that of BERT.

    Raises:
      InputError: there is no layout of that name, or rows of a part have too little room.
    """
    own = get(config.layout)(tokenizer, max_seq_length, **({} if truncation is None else {"truncation": truncation}))
    apart = config.rows_apart()
    if not apart:
        return own
    from bertline.processors.layouts.aligned import Aligned

    return Aligned(
        own,
        {
            prefix: own_layout(part, tokenizer.part(prefix), part.max_length or LONGEST_APART)
            for prefix, part in apart.items()
        },
    )


def make(name, own, **options):
    """The layout `name` of what an objective reads; the encoder's own one where `name` is None.

    Args:
      own: the layout of `own_layout`.
      options: what a layout takes that is made of the encoder's own one.

    Raises:
      InputError: there is no layout of that name.
    """
    if name is None:
        return own
    layout_class = get(name)
    return layout_class(own, **options) if layout_class.is_over_own else layout_class(own.tokenizer, own.max_seq_length)


def check_gives(layout, names):
    """Raises InputError for the first feature of an encoder that no row of a layout has.

    Args:
      names: of features that are looked up in tables; those of several texts have a prefix of their own.
    """
    for name in names:
        if not any(given.endswith(name) for given in layout.spec):
            raise InputError(
                f"the encoder reads {name}, which rows of the layout {layout.name} do not have "
                f"({', '.join(sorted(layout.spec))}); leave the part, or its prefix, out of the configuration"
            )
