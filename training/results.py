"""The files that a run leaves behind, in the original's formats, and richer ones beside them."""

import json
import logging
import os

from files import replaced


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

    Args:
      names: of the classes.
      labels: int [n]. probabilities: float [n, num_labels].
    """
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt
    import sklearn.metrics as sk

    ids, predicted = range(len(names)), probabilities.argmax(axis=1)
    counts = sk.confusion_matrix(labels, predicted, labels=ids)
    precision, recall, f1, support = sk.precision_recall_fscore_support(labels, predicted, labels=ids, zero_division=0)
    size = max(5.0, 0.5 * len(names) + 3.0)
    figure, axes = plt.subplots(figsize=(size + 2.0, size), layout="constrained")
    shares = counts / counts.sum(axis=1, keepdims=True).clip(min=1)
    axes.imshow(shares, cmap="Blues", vmin=0.0, vmax=1.0)
    rows = [
        f"{n}  P {p:.2f} R {r:.2f} F1 {f:.2f} (n={s})" for n, p, r, f, s in zip(names, precision, recall, f1, support)
    ]
    axes.set_yticks(ids, rows)
    axes.set_xticks(ids, names, rotation=45, ha="right", rotation_mode="anchor")
    axes.set_xlabel("predicted")
    axes.set_ylabel("label")
    if len(names) <= 30:
        for i in ids:
            for j in ids:
                if counts[i, j]:
                    axes.text(
                        j, i, counts[i, j], ha="center", va="center", color="white" if shares[i, j] > 0.5 else "black"
                    )
    with replaced(os.path.join(output_dir, "confusion.png")) as path:
        figure.savefig(path, format="png", dpi=120)
    plt.close(figure)
