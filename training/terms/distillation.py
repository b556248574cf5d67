"""Distillation: the objective also learns to say what a teacher says, another trained folder or its predictions.

Source: Hinton et al. 2015, https://arxiv.org/abs/1503.02531, section 2; Sanh et al. 2019, section 3. Layers: see
`layer_matching`.
"""

import tensorflow as tf

from bertline import registry
from bertline.errors import InputError
from bertline.options import Option
from bertline.training.terms.layer_matching import LayerMatching
from bertline.training.terms.teacher_model import TeacherModel
from bertline.training.terms.teacher_predictions import TeacherPredictions
from bertline.training.terms.term import Term

LAYERS = "--teacher_states and --teacher_attention"


@registry.register("term", "distillation")
class Distillation(Term):
    """(1 - share) * the objective's loss + share * its divergence from the teacher's outputs, at a temperature.

    To it come errors of hidden states and of attention, as much as each of them counts.
    """

    options = {
        "teacher": Option(None, "The folder of the trained model to learn from.", holds="path"),
        "teacher_task": Option(None, "Which task of the teacher's folder is meant, where it has several."),
        "teacher_predictions": Option(
            None,
            "In its place: files of what it, or several, predicted for the training rows; the mean counts.",
            holds="paths",
        ),
        "teacher_share": Option(
            0.5, "Share of the teacher's answers in the loss; the labels have the rest.", least=0, most=1
        ),
        "teacher_temperature": Option(2.0, "What the logits of both are divided by: higher is softer.", above=0.0),
        "teacher_states": Option(
            0.0, "How much the squared error of hidden states, embeddings included, counts.", least=0, most=1000
        ),
        "teacher_attention": Option(
            0.0, "How much the squared error of scores of attention counts.", least=0, most=1000
        ),
    }

    def __init__(
        self,
        objective,
        teacher=None,
        teacher_task=None,
        teacher_predictions=None,
        teacher_share=0.5,
        teacher_temperature=2.0,
        teacher_states=0.0,
        teacher_attention=0.0,
    ):
        super().__init__(objective)
        self.share, self.temperature = teacher_share, teacher_temperature
        self.reads_states, self.layers = bool(teacher_states or teacher_attention), None
        self._check_given(teacher, teacher_predictions, teacher_task)
        if teacher_predictions:
            self.teacher = TeacherPredictions(objective, teacher_predictions)
            return
        self.teacher = TeacherModel(objective, teacher, teacher_task)
        if self.reads_states:
            encoders = objective.encoder, self.teacher.objective.encoder
            self.layers = LayerMatching(*encoders, teacher, teacher_states, teacher_attention)

    def _check_given(self, teacher, predictions, task):
        if not self.objective.compares_outputs:
            raise self.refuse("has no outputs that could be compared with a teacher's")
        if bool(teacher) == bool(predictions):
            raise InputError(
                "--terms=distillation needs --teacher, the folder of a trained model, or --teacher_predictions, files "
                "of what it predicted for the training rows; give one of them"
            )
        if predictions and task:
            raise InputError(f"--teacher_task={task}: files of predictions are of one task; leave it out")
        if not (self.share or self.reads_states):
            raise InputError("--teacher_share=0: nothing is learned from the teacher; raise it, or leave the term out")
        if self.reads_states and predictions:
            raise InputError(f"{LAYERS}: files of predictions have no layers; give --teacher, the folder of the model")
        if self.reads_states and self.objective.drops_rows:
            raise self.refuse(f"does not read the same number of texts for each row, which {LAYERS} need")

    def named_weights(self):
        return {} if self.layers is None else self.layers.projections

    def check(self, rows):
        self.teacher.check(rows)

    def losses(self, forward):
        if self.layers is None:
            return self._of_outputs(forward, self.teacher.outputs(forward.features))
        wanted, states = self.teacher.outputs_and_states(forward.features)
        found, first = self._of_outputs(forward, wanted), self.objective.terms[0]
        apart = self.layers(forward.states, states, tf.shape(found[first])[0])
        shape = [-1, *([1] * (len(found[first].shape) - 1))]  # [B, 1] where each word of a row has a loss
        return {**found, first: found[first] + tf.reshape(apart, shape)}

    def _of_outputs(self, forward, wanted):
        apart = self.objective.divergence(forward.features, forward.outputs, wanted, self.temperature)
        return {term: self.share * (value - forward.losses[term]) for term, value in apart.items()}
