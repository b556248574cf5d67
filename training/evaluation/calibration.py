"""Calibration: how far probabilities are from the share that is right, and logits that are scaled to come closer.

Source: Guo et al. 2017, https://arxiv.org/abs/1706.04599, sections 2 and 4.2.
"""

import logging
import os

import numpy as np
import scipy.optimize
import scipy.special

from bertline.common import table_lines
from bertline.training.evaluation import result_files
from bertline.training.pictures import figures

BINS = 15  # of the paper
TINY = 1e-15  # of a probability whose logarithm is taken
TABLE, PICTURE = "calibration.tsv", "reliability.png"
KINDS = {"temperature": True, "vector": False}  # whether one number scales the logits of all labels


def fit(kind, golds, logits, names):
    """Scale and offset of the logits that give the dev rows the least cross entropy: float64 [num_labels] each.

    A label that no dev row has would get an offset that it never comes back from. With one in sight a row's classes
    get a temperature. Of several labels it stays as it is, as does one that all rows have. A warning says so.

    Args:
      kind: "temperature", one scale of all labels and no offset; "vector", both of each label.
      golds: int [n], or 0/1 [n, num_labels]. logits: float [n, num_labels].
      names: of the labels.
    """
    logits, golds = np.asarray(logits, np.float64), np.asarray(golds)
    shares = _one_hot(golds, logits.shape[1]).mean(axis=0)
    seen = (shares > 0) & ((shares < 1) | (golds.ndim == 1))
    if KINDS[kind] or seen.all():
        return _fit(KINDS[kind], golds, logits)
    unseen = ", ".join(name for name, is_seen in zip(names, seen) if not is_seen)
    if golds.ndim == 1:
        logging.warning("--calibrate=%s: no dev row is %s; a temperature is fitted instead", kind, unseen)
        return _fit(True, golds, logits)
    logging.warning("--calibrate=%s: the dev rows agree on %s, which stays as it is", kind, unseen)
    scale, offset = np.ones(len(seen)), np.zeros(len(seen))
    if seen.any():
        scale[seen], offset[seen] = _fit(False, golds[:, seen], logits[:, seen])
    return scale, offset


def _fit(is_one, golds, logits):
    count = logits.shape[1]
    parts = (lambda x: (x[:1], np.zeros(count))) if is_one else lambda x: np.split(x, 2)
    start = np.ones(1) if is_one else np.concatenate([np.ones(count), np.zeros(count)])

    def loss_and_gradient(x):
        scale, offset = parts(x)
        scaled = scale * logits + offset
        error = probabilities(scaled, golds) - _one_hot(golds, count)  # [n, num_labels]
        to_scale, to_offset = (error * logits).mean(axis=0), error.mean(axis=0)
        gradient = to_scale.sum(keepdims=True) if is_one else np.concatenate([to_scale, to_offset])
        return cross_entropy(golds, scaled), gradient

    # A negative scale would turn the order of the labels around.
    bounds = [(1e-3, None)] * (1 if is_one else count) + [(None, None)] * (len(start) - 1)
    found = scipy.optimize.minimize(loss_and_gradient, start, jac=True, method="L-BFGS-B", bounds=bounds[: len(start)])
    scale, offset = parts(found.x)
    return np.broadcast_to(scale, [count]).copy(), offset


def probabilities(logits, golds):
    """The softmax of the logits, or the sigmoid of each where rows have several labels."""
    return scipy.special.softmax(logits, axis=1) if golds.ndim == 1 else scipy.special.expit(logits)


def cross_entropy(golds, logits):
    """The mean over the rows; of several labels the sum over them."""
    if golds.ndim == 1:
        return -scipy.special.log_softmax(logits, axis=1)[np.arange(len(golds)), golds].mean()
    signs = 2.0 * golds - 1.0
    return -scipy.special.log_expit(signs * logits).sum(axis=1).mean()


def logits_of(golds, found):
    """Numbers that `probabilities` gives these probabilities of, float64 as `found`."""
    found = np.asarray(found, np.float64).clip(TINY, 1.0 if np.ndim(golds) == 1 else 1.0 - TINY)
    return np.log(found) if np.ndim(golds) == 1 else scipy.special.logit(found)


def errors(golds, logits):
    """name -> float: cross_entropy, expected_calibration_error, brier.

    The error is that of the predicted class's probability, in bins of equal width; of several labels that of each
    label's. The Brier score is the mean squared error of the probabilities: summed over the classes of a row; of
    several labels the mean over all decisions.
    """
    logits, golds = np.asarray(logits, np.float64), np.asarray(golds)
    found = probabilities(logits, golds)
    squares = (found - _one_hot(golds, logits.shape[1])) ** 2
    shares, means, weights = reliability(golds, logits)
    return {
        "cross_entropy": float(cross_entropy(golds, logits)),
        "expected_calibration_error": float(np.sum(weights * np.abs(shares - means))),
        "brier": float(squares.sum(axis=1).mean() if golds.ndim == 1 else squares.mean()),
    }


def reliability(golds, logits):
    """(share that is right, mean probability, share of the decisions), float [bins] each, of bins that have some."""
    return bins(*decisions(golds, probabilities(np.asarray(logits, np.float64), golds)))


def decisions(golds, found):
    """(probability float [decisions], whether it is right bool [decisions]) of probabilities float [n, num_labels]: of
    the predicted class; of several labels of each.
    """
    if golds.ndim == 1:
        return found.max(axis=1), found.argmax(axis=1) == golds
    return found.ravel(), golds.ravel() > 0


def bins(confidences, right):
    """What `reliability` gives, of any decisions."""
    places = np.minimum((confidences * BINS).astype(int), BINS - 1)
    counts = np.bincount(places, minlength=BINS)
    kept = counts > 0
    sums = (np.bincount(places, weights=values, minlength=BINS)[kept] for values in (right, confidences))
    shares, means = (total / counts[kept] for total in sums)
    return shares, means, counts[kept] / counts.sum()


def write(output_dir, golds, before, after):
    """Writes calibration.tsv and reliability.png. before, after: float [n, num_labels], logits."""
    golds = np.asarray(golds)
    named = {"before": errors(golds, before), "after": errors(golds, after)}
    rows = [["", *named["before"]], *([when, *(f"{v:.6g}" for v in found.values())] for when, found in named.items())]
    result_files.write_lines(os.path.join(output_dir, TABLE), map(table_lines.line, rows))
    for when, found in named.items():
        logging.info("%s calibration: %s", when, ", ".join(f"{name} {value:.4f}" for name, value in found.items()))
    figures.save(os.path.join(output_dir, PICTURE), lambda: _picture(golds, {"before": before, "after": after}))


def remove(output_dir):
    """Removes what `write` wrote of weights that were written anew, without a calibration; says so."""
    there = [path for path in (os.path.join(output_dir, name) for name in (TABLE, PICTURE)) if os.path.exists(path)]
    for path in there:
        os.remove(path)
    if there:
        logging.warning("%s: the weights are as trained again; --calibrate calibrates them", output_dir)


def _picture(golds, logits):
    figure = figures.new_figure(5.5, 5.0)
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], color="grey", linewidth=1)
    for when, values in logits.items():
        shares, means, weights = reliability(golds, values)
        axes.plot(means, shares, label=when)
        axes.scatter(means, shares, s=10 + 300 * weights)
    axes.set_xlabel("mean probability of a bin")
    axes.set_ylabel("share that is right")
    axes.legend()
    return figure


def _one_hot(golds, count):
    return np.eye(count)[golds] if golds.ndim == 1 else golds
