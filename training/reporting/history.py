"""What was measured at which step of a run: TensorBoard's events and metrics.csv, in step with each other."""

import os

import tensorflow as tf

from bertline.training.reporting.metrics_table import NAME, MetricsTable, read


class History:
    """Writes both. The names are those of TensorBoard: train/loss, eval/loss.

    Args:
      output_dir: the run's folder.
      last_step: what is known of later steps is forgotten; None: nothing is.
    """

    def __init__(self, output_dir, last_step=None):
        self._writer = tf.summary.create_file_writer(output_dir)
        self._table = MetricsTable(os.path.join(output_dir, NAME), last_step)

    def add(self, step, kind, values):
        """Adds numbers, name -> float, of a `kind` ("train", "eval") that were measured at a step."""
        named = {f"{kind}/{name}": float(value) for name, value in values.items()}
        with self._writer.as_default(step=step):
            for name, value in named.items():
                tf.summary.scalar(name, value)
        self._table.add(step, named)

    def close(self):
        self._writer.close()


def add_evaluation(output_dir, step, metrics):
    """Adds an evaluation of a finished training, unless these weights were evaluated while it ran."""
    _, rows = read(os.path.join(output_dir, NAME))
    if any(row["step"] == step and any(name.startswith("eval/") for name in row) for row in rows):
        return
    history = History(output_dir)
    history.add(step, "eval", metrics)
    history.close()
