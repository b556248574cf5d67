"""A teacher that reads each batch: a trained folder."""

import tensorflow as tf

from bertline.errors import InputError
from bertline.modeling.encoder import Encoder
from bertline.modeling.recording import record_states
from bertline.modeling.speed.switches import static_shapes
from bertline.weights.load_save import load_weights
from bertline.weights.open_model import ModelSettings, open_model


class TeacherModel:
    """It reads the same rows as the student, without dropout, so it has the same vocabulary and labels.

    Args:
      objective: the student. path: of the folder.
      task: whose head is meant, where the folder has several; else None.

    Raises:
      InputError: the folder has no such task, or no head of the student's kind.
    """

    def __init__(self, objective, path, task=None):
        self._student, self.path = objective, path
        self._source = self._open(task)
        self.objective, self._labels = self._read()

    def _open(self, task):
        source = open_model(self.path)
        if task in source.tasks or not (task or source.tasks):
            return source.of_task(task)
        tasks = ", ".join(source.tasks) or "one, which has no name"
        raise InputError(
            f"--teacher_task={task or ''}: --teacher={self.path} has the tasks: {tasks}; name the one meant"
        )

    def _read(self):
        with static_shapes(not self._student.encoder.remove_padding):
            encoder: Encoder = self._source.build(lambda encoder: encoder, ModelSettings(), for_training=False)
        encoder.build()
        load_weights(encoder, self._source.weights, allow_missing=encoder.optional_weights)
        found = self._source.read_head(encoder, without_weights=True)
        if found is None or type(found[0]) is not type(self._student):
            head = "no head of fine-tuning" if found is None else f"a head of {found[0].name}"
            raise InputError(
                f"--teacher={self.path}: {head}, the student is {self._student.name}; give a folder that was trained "
                "with the same --objective"
            )
        if not found[0].compares_outputs:
            raise InputError(
                f"--teacher={self.path}: its {found[0].name} has no outputs that could be compared with the student's "
                "(a --crf weighs whole sentences); give a teacher that was trained without it"
            )
        if found[0].layout != self._student.layout:
            raise InputError(
                f"--teacher={self.path}: {_rows(found[0])}, the student {_rows(self._student)}; train both with the "
                "same --windows"
            )
        return found

    def check(self, rows):
        """Raises InputError where it could not read the rows, or knows other labels."""
        theirs, longest = self._source.tokenizer, self._source.config.max_length
        if rows.tokenizer is None or theirs.fingerprint() != rows.tokenizer.fingerprint():
            raise InputError(
                f"--teacher={self.path}: another vocabulary or casing than the student's, so it would read other "
                "texts; start both from models of one vocabulary, or give --teacher_predictions"
            )
        kind = getattr(self._student, "problem_type", None)
        if getattr(self.objective, "problem_type", None) != kind:
            raise InputError(
                f"--teacher={self.path}: trained for {self.objective.problem_type}, the student for {kind}"
            )
        if self._labels.names and list(self._labels.names) != list(rows.label_names):
            raise InputError(
                f"--teacher={self.path}: trained on the labels {', '.join(self._labels.names)}; here they are "
                f"{', '.join(rows.label_names)}; give them in the same order, by --label_list"
            )
        if longest is not None and longest < rows.max_seq_length:
            raise InputError(
                f"--teacher={self.path}: has positions for {longest} tokens; lower "
                f"--max_seq_length={rows.max_seq_length}"
            )

    def outputs(self, features):
        """Those of its objective for a batch."""
        return {name: tf.stop_gradient(value) for name, value in self.objective(features).items()}

    def outputs_and_states(self, features):
        """(the same, list of States of each call of its encoder)."""
        with record_states() as states:
            outputs = self.outputs(features)
        return outputs, [tf.nest.map_structure(tf.stop_gradient, one) for one in states]


def _rows(objective):
    return "reads whole texts" if objective.layout is None else f"reads {objective.layout}"
