"""The files that a run leaves behind, in the original's formats, and richer ones beside them."""

import json
import logging
import os

from files import replaced

# Of confusion.png: classes with a number in each cell, classes with their names, classes at all; inches of a side.
MOST_COUNTED, MOST_NAMED, MOST_CLASSES = 30, 100, 2000
MOST_INCHES = 40.0


def write_lines(path, lines):
    """Writes lines beside the place and renames, so that a half-written file is never taken for a whole one."""
    with replaced(path) as unfinished, open(unfinished, "w", encoding="utf-8", newline="\n") as file:
        file.writelines(line + "\n" for line in lines)


def write_eval_results(path, results):
    """`eval_results.txt`: one `key = value` a line, keys sorted, as in the original."""
    logging.info("***** Eval results *****")
    for key in sorted(results):
        logging.info("  %s = %s", key, results[key])
    write_lines(path, (f"{key} = {results[key]}" for key in sorted(results)))


def write_json(path, value):
    with replaced(path) as unfinished, open(unfinished, "w", encoding="utf-8") as file:
        json.dump(value, file, indent=2, ensure_ascii=False)


def write_confusion(output_dir, names, labels, probabilities):
    """`confusion.png`: how often each class was taken for which, with precision, recall and F1 per class.

    A picture is no reason to lose the predictions that come after it: one that cannot be drawn is a warning.

    Args:
      names: of the classes; numbers and names are left out of the picture where they would not be legible.
      labels: int [n]. probabilities: float [n, num_labels].
    """
    if len(names) > MOST_CLASSES:
        logging.warning("confusion.png is not drawn: %d classes, at most %d", len(names), MOST_CLASSES)
        return
    try:
        _draw_confusion(os.path.join(output_dir, "confusion.png"), names, labels, probabilities)
    except Exception as error:  # matplotlib names no errors: fonts, markup in a class's name, memory
        logging.warning("confusion.png is not drawn: %s", error)


def _draw_confusion(path, names, labels, probabilities):
    import sklearn.metrics as sk
    from matplotlib.figure import Figure  # not pyplot, which keeps figures and asks for a screen

    ids, predicted = range(len(names)), probabilities.argmax(axis=1)
    counts = sk.confusion_matrix(labels, predicted, labels=ids)
    precision, recall, f1, support = sk.precision_recall_fscore_support(labels, predicted, labels=ids, zero_division=0)
    size = min(max(5.0, 0.5 * len(names) + 3.0), MOST_INCHES)
    figure = Figure(figsize=(size + 2.0, size), layout="constrained")
    axes = figure.subplots()
    shares = counts / counts.sum(axis=1, keepdims=True).clip(min=1)
    axes.imshow(shares, cmap="Blues", vmin=0.0, vmax=1.0)
    if len(names) <= MOST_NAMED:
        rows = [f"{n}  P {p:.2f} R {r:.2f} F1 {f:.2f} (n={s})"
                for n, p, r, f, s in zip(names, precision, recall, f1, support)]  # fmt: skip
        axes.set_yticks(ids, rows, parse_math=False)  # a name may hold a $
        axes.set_xticks(ids, names, rotation=45, ha="right", rotation_mode="anchor", parse_math=False)
    axes.set_xlabel("predicted")
    axes.set_ylabel("label")
    if len(names) <= MOST_COUNTED:
        for i in ids:
            for j in ids:
                if counts[i, j]:
                    axes.text(
                        j, i, counts[i, j], ha="center", va="center", color="white" if shares[i, j] > 0.5 else "black"
                    )
    with replaced(path) as unfinished:
        figure.savefig(unfinished, format="png", dpi=120)
