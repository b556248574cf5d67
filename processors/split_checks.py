"""What is said of the splits before anything is computed: how labels are distributed, and what may be a mistake."""

import collections
import logging

from errors import InputError

SHOWN = 20  # labels of a line
FEW_ROWS = 2  # of a class, from which next to nothing can be learnt
# So many different numbers as classes are likely to be scores.
MANY_NUMBERS = 10


def report(examples, labels):
    """Logs the distribution of each split's labels, and warnings that name the flag to use.

    Args:
      examples: split -> list of InputExample, checked by processors.base.check_labels.
      labels: a processors.labels.Labels.

    Raises:
      InputError: a classifier is to be trained that knows one class only.
    """
    for split, rows in examples.items():
        logging.info("%s: %s", split, _distribution(rows, labels))
    if "train" in examples:
        _check_train(examples["train"], labels)
        for split in ("dev", "test"):
            _check_overlap(examples["train"], examples.get(split, ()), split)


def _distribution(rows, labels):
    labelled = [row for row in rows if row.label is not None]
    parts = [f"{len(rows)} rows"]
    if labelled and labels.problem_type == "regression":
        scores = [row.label for row in labelled]
        parts.append(f"scores from {min(scores):g} to {max(scores):g}, mean {sum(scores) / len(scores):.4g}")
    elif labelled:
        found = _counts(labelled).most_common()
        shown = ", ".join(f"{name} {count}" for name, count in found[:SHOWN])
        parts.append(f"labels: {shown}" + (f", ... ({len(found)} in all)" if len(found) > SHOWN else ""))
    if len(labelled) < len(rows):
        parts.append(f"{len(rows) - len(labelled)} without a label")
    return "; ".join(parts)


def _counts(rows):
    several = (row.label if isinstance(row.label, tuple) else (row.label,) for row in rows)
    return collections.Counter(str(name) for names in several for name in names)


def _check_train(rows, labels):
    file = (rows[0].source or "train").rpartition(":")[0] or "train"
    column = "is --label_column (of the generic tasks) the right column?"
    if labels.problem_type == "regression":
        if len({row.label for row in rows}) == 1:
            logging.warning("%s: every row has the score %g; %s", file, rows[0].label, column)
        return
    counts = _counts(rows)
    if labels.problem_type == "single_label_classification" and len(labels.names) == 1:
        raise InputError(f"{file} has a single label, {labels.names[0]!r}; {column}")
    if len(counts) == 1 and counts.total() == len(rows):
        logging.warning("%s: every row has the label %r; %s", file, next(iter(counts)), column)
        return
    few = [name for name in labels.names if counts[name] <= FEW_ROWS]
    if few:
        shown = ", ".join(f"{name} ({counts[name]})" for name in few[:SHOWN]) + (", ..." if len(few) > SHOWN else "")
        are_numbers = len(labels.names) > MANY_NUMBERS and all(_is_number(name) for name in labels.names)
        hint = (
            "numbers may be scores: --problem_type=regression learns those"
            if are_numbers
            else "join or drop such labels, or give them weight by --class_weights=balanced; if these are no classes, "
            "--label_column names another column"
        )
        logging.warning("%s: %d of %d labels have at most %d rows: %s; %s", file, len(few), len(labels.names), FEW_ROWS,
                        shown, hint)  # fmt: skip


def _is_number(name):
    try:
        float(name)
    except ValueError:
        return False
    return True


def _check_overlap(train, rows, split):
    known = {(row.text_a, row.text_b) for row in train}
    same = [row for row in rows if (row.text_a, row.text_b) in known]
    if same:
        first = same[0]
        twin = next(row for row in train if (row.text_a, row.text_b) == (first.text_a, first.text_b))
        logging.warning(
            "%d of %d %s rows are train rows too (%s is %s): their scores say nothing of new texts; take them out of "
            "one of the files, or name another by --%s_file (of the generic tasks)", len(same), len(rows), split,
            first.source or first.guid, twin.source or twin.guid, split,
        )  # fmt: skip
