"""Texts and labels in memory as the examples of a processor."""

from bertline.errors import InputError
from bertline.facade.labels import read_labels
from bertline.facade.tables import is_table, read_table
from bertline.processors.base import InputExample
from bertline.processors.tasks.classification.delimited import DelimitedProcessor
from bertline.processors.text.texts import check_texts


def read_examples(texts, labels, names, problem_type=None):
    """(problem type, list of InputExample, list of the names of all labels or None where the data does not say them).

    Args:
      texts: a list of str or of pairs, or a table with a column of texts; see `bertline.facade.tables`.
      labels: one for each text, see `bertline.facade.labels`; None: a column of the table.
      names: ColumnNames of the table.

    Raises:
      InputError, TypeError: what is no text or no label, with its row; another number of labels than of texts.
    """
    if is_table(texts):
        texts, found = read_table(texts, names, has_labels=labels is not None)
        labels = found if labels is None else labels
    elif labels is None:
        raise InputError("labels: None; a list is needed, a label for each text")
    texts = list(check_texts(texts))
    problem_type, labels, label_list = read_labels(labels, problem_type)
    if len(texts) != len(labels):
        raise InputError(f"texts has {len(texts)} rows, labels has {len(labels)}; one label for each text is needed")
    if not texts:
        raise InputError("texts: an empty list; at least one text is needed")
    pairs = {isinstance(text, tuple) for text in texts}
    if len(pairs) > 1:
        row = next(row for row, text in enumerate(texts) if isinstance(text, tuple) != isinstance(texts[0], tuple))
        raise InputError(f"texts[{row}]: single texts and pairs are mixed; one of both is needed for all rows")
    rows = zip(texts if pairs == {True} else ((text, None) for text in texts), labels)
    examples = [InputExample(f"texts[{row}]", a, b, label) for row, ((a, b), label) in enumerate(rows)]
    return problem_type, examples, label_list


class ListProcessor(DelimitedProcessor):
    """A generic task whose rows are in memory.

    Args:
      examples: split -> list of InputExample.
      options: those of DelimitedProcessor that say what labels are, and which rows of "train" are dev rows.
    """

    def __init__(self, examples, **options):
        super().__init__(**options)
        self._in_memory = examples

    def needs_folder(self, split):
        """See base class."""
        return False

    def _there(self, data_dir, split):
        return [split] if split in self._in_memory else []

    def _path(self, data_dir, split):
        return split

    def _read(self, path, split):
        return self._in_memory[path]
