"""How an example's tokens are laid out for an encoder: examples -> rows of named arrays."""

import dataclasses
import functools
import typing
from collections.abc import Callable, Iterable

import numpy as np

from bertline import registry
from bertline.errors import InputError


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
    """

    name: str = ""
    makes_parts = is_over_own = is_original = False
    packs_ids = True

    def check(self, examples: Iterable) -> None:
        """Raises InputError for the first InputExample that cannot be laid out."""

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
    """

    values: dict[str, np.ndarray]
    row_splits: np.ndarray
    full_lengths: np.ndarray

    @functools.cached_property
    def lengths(self) -> np.ndarray:
        """int64 [n]."""
        return self.row_splits[1:] - self.row_splits[:-1]

    @functools.cached_property
    def cut(self) -> np.ndarray:
        """bool [n], whether tokens were dropped."""
        return self.lengths < self.full_lengths


def get(name: str) -> type[typing.Any]:
    """The layout class of that name. Raises InputError for an unknown one."""
    return registry.get("layout", name)


def make(name, own_name, tokenizer, max_seq_length, **options):
    """The layout `name` for an encoder whose own is `own_name`; its own one where `name` is None.

    Args:
      options: what a layout takes that is made of the encoder's own one.

    Raises:
      InputError: there is no layout of that name.
    """
    layout_class = get(name or own_name)
    if layout_class.is_over_own:
        return layout_class(get(own_name)(tokenizer, max_seq_length), **options)
    return layout_class(tokenizer, max_seq_length)


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
