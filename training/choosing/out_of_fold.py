"""predictions.* of all training rows, each by the model that has not seen it, put together from those of the folds."""

import glob
import logging
import os

from bertline.common import table_lines
from bertline.errors import InputError
from bertline.training.evaluation import result_files
from bertline.training.evaluation.prediction_rows import read_cells


def write(output_dir, names, folds, file_format):
    """Writes the file, or one for each seed in run-SEED where folds have several.

    Args:
      names: the folders of the folds, in their order. folds: int array, the fold of each row.
      file_format: the ending of the files, of table_lines.DELIMITERS, or jsonl.

    Raises:
      InputError: a file is not of the rows of its fold.
    """
    file = f"predictions.{file_format}"
    first = glob.escape(os.path.join(output_dir, names[0]))
    seeds = sorted(os.path.basename(os.path.dirname(one)) for one in glob.glob(os.path.join(first, "run-*", file)))
    for seed in seeds or [""]:
        parts = [_read(os.path.join(output_dir, name, seed, file), file_format) for name in names]
        target = os.path.join(output_dir, seed, file)
        result_files.write_lines(target, _merge(parts, folds.tolist(), target))
        logging.info("wrote %s: %d rows, each predicted by the model that has not seen it", target, len(folds))


def _read(path, file_format):
    """(header lines, lines of rows) of a file; a row may be of several lines of text."""
    delimiter = table_lines.DELIMITERS.get(file_format)
    if delimiter is None:
        with open(path, encoding="utf-8", newline="\n") as file:
            return [], file.read().split("\n")[:-1]
    header, *rows = [table_lines.line(row, delimiter) for row in read_cells(path, delimiter)]
    return [header], rows


def _merge(parts, folds, target):
    """The lines of all rows in the order of the rows."""
    for number, (header, rows) in enumerate(parts):
        if len(rows) != folds.count(number) or header != parts[0][0]:
            raise InputError(
                f"{target}: the predictions of fold {number + 1} are not those of its {folds.count(number)} rows; "
                "--overwrite_output_dir begins anew"
            )
    left = [iter(rows) for _, rows in parts]
    return [*parts[0][0], *(next(left[fold]) for fold in folds)]
