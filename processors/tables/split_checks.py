"""What is said of the splits before anything is computed: how labels are distributed, and what may be a mistake."""

import logging


def report(examples, labels):
    """Logs the distribution of each split's labels, and warnings that name the flag to use.

    Args:
      examples: split -> list of InputExample, checked by bertline.processors.base.check_labels.
      labels: a bertline.processors.labels.base.Labels.

    Raises:
      InputError: a classifier is to be trained that knows one class only.
    """
    for split, rows in examples.items():
        logging.info("%s: %s", split, _distribution(rows, labels))
    if "train" in examples:
        train = examples["train"]
        labels.check_training(train, (train[0].source or "train").rpartition(":")[0] or "train")
        for split in ("dev", "test"):
            _check_overlap(train, examples.get(split, ()), split)


def _distribution(rows, labels):
    labelled = [row.label for row in rows if row.label is not None]
    parts = [f"{len(rows)} rows"] + ([labels.distribution(labelled)] if labelled else [])
    if len(labelled) < len(rows):
        parts.append(f"{len(rows) - len(labelled)} without a label")
    return "; ".join(parts)


def _check_overlap(train, rows, split):
    known = {row.inputs() for row in train}
    same = [row for row in rows if row.inputs() in known]
    if same:
        first = same[0]
        twin = next(row for row in train if row.inputs() == first.inputs())
        logging.warning(
            "%d of %d %s rows are train rows too (%s is %s): their scores say nothing of new texts; take them out of "
            "one of the files, or name another by --%s_file, where the task has that flag",
            len(same),
            len(rows),
            split,
            first.source or first.guid,
            twin.source or twin.guid,
            split,
        )
