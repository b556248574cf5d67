"""Distillation: the objective also learns to say what a teacher says, another trained folder.

Source: Hinton et al. 2015, https://arxiv.org/abs/1503.02531, section 2; Sanh et al. 2019, section 3.
"""

import tensorflow as tf

from bertline import registry
from bertline.errors import InputError
from bertline.modeling.encoder import Encoder
from bertline.modeling.objective import Objective
from bertline.modeling.speed.switches import static_shapes
from bertline.options import Option
from bertline.training.terms.term import Term
from bertline.weights.load_save import load_weights
from bertline.weights.open_model import ModelSettings, open_model


@registry.register("term", "distillation")
class Distillation(Term):
    """(1 - share) * the objective's loss + share * its divergence from the teacher's outputs, at a temperature.

    The teacher reads the same rows as the objective, without dropout, so it has the same vocabulary and labels.
    """

    options = {
        "teacher": Option(None, "The folder of the trained model to learn from.", holds="path"),
        "teacher_share": Option(0.5, "Share of the teacher in the loss; the labels have the rest.", above=0.0),
        "teacher_temperature": Option(2.0, "What the logits of both are divided by: higher is softer.", above=0.0),
    }

    def __init__(self, objective, teacher=None, teacher_share=0.5, teacher_temperature=2.0):
        super().__init__(objective)
        if not objective.compares_outputs:
            raise self.refuse("has no outputs that could be compared with a teacher's")
        if not teacher:
            raise InputError("--terms=distillation needs --teacher, the folder of a trained model")
        if teacher_share > 1.0:
            raise InputError(f"--teacher_share={teacher_share}: 1, the teacher alone, at most")
        self.path, self.share, self.temperature = teacher, teacher_share, teacher_temperature
        self.source = open_model(teacher)
        self.teacher, self._labels = self._read()

    def _read(self) -> tuple[Objective, object]:
        with static_shapes(not self.objective.encoder.remove_padding):
            encoder: Encoder = self.source.build(lambda encoder: encoder, ModelSettings(), for_training=False)
        encoder.build()
        load_weights(encoder, self.source.weights, allow_missing=encoder.optional_weights)
        found = self.source.read_head(encoder)
        if found is None or type(found[0]) is not type(self.objective):
            head = "no head of fine-tuning" if found is None else f"a head of {found[0].name}"
            raise InputError(
                f"--teacher={self.path}: {head}, the student is {self.objective.name}; give a folder that was trained "
                "with the same --objective"
            )
        if found[0].layout != self.objective.layout:
            raise InputError(
                f"--teacher={self.path}: {_rows(found[0])}, the student {_rows(self.objective)}; train both with the "
                "same --windows"
            )
        return found

    def check(self, tokenizer, label_names, max_seq_length):
        theirs, longest = self.source.tokenizer, self.source.config.max_length
        if tokenizer is None or theirs.fingerprint() != tokenizer.fingerprint():
            raise InputError(
                f"--teacher={self.path}: another vocabulary or casing than the student's, so it would read other "
                "texts; start both from models of one vocabulary"
            )
        kind = getattr(self.objective, "problem_type", None)
        if getattr(self.teacher, "problem_type", None) != kind:
            raise InputError(f"--teacher={self.path}: trained for {self.teacher.problem_type}, the student for {kind}")
        if self._labels.names and list(self._labels.names) != list(label_names):
            raise InputError(
                f"--teacher={self.path}: trained on the labels {', '.join(self._labels.names)}; here they are "
                f"{', '.join(label_names)}; give them in the same order, by --label_list"
            )
        if longest is not None and longest < max_seq_length:
            raise InputError(
                f"--teacher={self.path}: has positions for {longest} tokens; lower --max_seq_length={max_seq_length}"
            )

    def losses(self, forward):
        wanted = self.teacher(forward.features)
        wanted = {name: tf.stop_gradient(value) for name, value in wanted.items()}
        apart = self.objective.divergence(forward.features, forward.outputs, wanted, self.temperature)
        return {term: self.share * (value - forward.losses[term]) for term, value in apart.items()}


def _rows(objective):
    return "reads whole texts" if objective.layout is None else f"reads {objective.layout}"
