"""A teacher that is no longer needed: the files of what it, or several of it, said of each training row.

Source: Liu et al. 2019, https://arxiv.org/abs/1904.09482 (MT-DNN's ensemble), section 3: the mean of the probabilities
of several teachers.
"""

import numpy as np
import tensorflow as tf

from bertline.errors import InputError
from bertline.modeling.objective import Objective
from bertline.processors.files.paths import find_files
from bertline.processors.labels.prediction_reader import read_predictions

FLAG = "--teacher_predictions"


class TeacherPredictions:
    """Answers by the number of a row.

    Args:
      objective: the student, which says what outputs such predictions are.
      paths: of files of predictions, separated by commas.

    Raises:
      InputError: a file is missing or has no predictions; the student has others than a row of numbers.
    """

    def __init__(self, objective, paths):
        if type(objective).outputs_of is Objective.outputs_of:
            raise InputError(
                f"{FLAG}={paths}: --objective={objective.name} predicts more than a row of numbers, which such files "
                "do not have; give --teacher, the folder of the trained model"
            )
        self._objective = objective
        self._files = [read_predictions(path) for path in find_files(paths, "predictions.tsv")]
        self._table = None

    def check(self, rows):
        """Raises InputError where the files are of other rows or labels. Afterwards the teacher can be asked."""
        means = np.mean([self._in_order(file, rows) for file in self._files], axis=0)
        self._table = tf.constant(means, tf.float32)

    def _in_order(self, file, rows):
        """The numbers of a file, [num_examples, num_labels], in the order of the student's labels."""
        said, (count, width) = f"{FLAG}={file.path}", file.values.shape
        names = list(map(str, rows.label_names))
        if count != rows.num_examples:
            raise InputError(
                f"{said}: {count} rows, and there are {rows.num_examples} to train on; give the file that --do_predict "
                "wrote for the training rows, in their order"
            )
        if file.names is not None and sorted(file.names) != sorted(names):
            theirs, here = ", ".join(file.names) or "none (a score)", ", ".join(names) or "none (a score)"
            raise InputError(f"{said}: predictions of the labels {theirs}; here they are {here}")
        if width != max(1, len(names)):
            raise InputError(f"{said}: {width} numbers a row, and there are {max(1, len(names))} labels")
        if names and not (0.0 <= file.values.min() and file.values.max() <= 1.0):
            raise InputError(f"{said}: numbers below 0 or above 1; probabilities are needed")
        return file.values[:, [file.names.index(name) for name in names]] if file.names else file.values

    def outputs(self, features):
        """Those of the objective for the rows of a batch."""
        return self._objective.outputs_of(tf.gather(self._table, features["example_index"]))
