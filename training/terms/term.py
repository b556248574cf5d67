"""What every term is: values that training adds to those of an objective's loss. Evaluation knows nothing of them."""

import dataclasses
import math
from collections.abc import Sequence

import keras
import tensorflow as tf

from bertline import options, registry
from bertline.errors import InputError
from bertline.modeling.objective import Objective
from bertline.training.terms.forward import Forward


@dataclasses.dataclass(frozen=True)
class TrainingRows:
    """The rows that are trained on.

    Attributes:
      tokenizer: what made them, or None.
      label_names: of their classes, () where there are none.
      max_seq_length: tokens of the longest.
      num_examples: how many examples there are; `example_index` of a batch counts them from 0.
    """

    tokenizer: object
    label_names: Sequence[str]
    max_seq_length: int
    num_examples: int


class Term:
    """Base of all terms, each of which is registered by its name.

    Args:
      objective: the one that is trained. Raises InputError where it lacks what the term reads.

    Attributes:
      options: see `bertline.options`; each is an argument of the constructor.
      relates_rows: whether a row's value depends on the other rows of its batch, which then must not be cut.
      reads_word_gradients: whether it is computed after the gradient of the other losses: it reads `forward.gradients`.
      share: of the labels' loss that something else takes the place of.
      reads_states: whether it reads `forward.states`, the encoder's states of all layers.
    """

    options = {}
    relates_rows = False
    reads_word_gradients = False
    reads_states = False
    share = 0.0

    def __init__(self, objective: Objective):
        self.objective = objective

    @property
    def name(self) -> str | None:
        """The registered one: of --terms, and in the logs."""
        return registry.name_of("term", type(self))

    def losses(self, forward: Forward) -> dict[str, tf.Tensor]:
        """A term of the objective's loss -> float32 values that are added to its own, shaped as its weights."""
        raise NotImplementedError

    def named_weights(self) -> dict[str, keras.Variable]:
        """Weights that are learned beside those of the objective; they are in checkpoints, the saved model has none."""
        return {}

    def check(self, rows: TrainingRows) -> None:
        """Raises InputError where the term and what is trained on do not fit together."""

    def refuse(self, why: str) -> InputError:
        """The error to raise where the objective lacks something."""
        return InputError(f"--terms={self.name}: --objective={self.objective.name} {why}; leave the term out")


def names_of(text: str) -> list[str]:
    """--terms -> names. Raises InputError for an unknown one, and for one that is there twice."""
    names = [name.strip() for name in text.split(",") if name.strip()]
    for name in names:
        registry.get("term", name)
        if names.count(name) > 1:
            raise InputError(f"--terms={text}: {name} is there twice; name each once")
    return names


def make_terms(objective: Objective, given: dict) -> list[Term]:
    """The terms of --terms for an objective; [] where there are none.

    Args:
      given: name -> value of all settings, the options of the terms among them.

    Raises:
      InputError: the objective lacks what one of them reads, or they leave the labels less than nothing.
    """
    classes = [registry.get("term", name) for name in names_of(given.get("terms", ""))]
    terms = [term_class(objective, **options.values_for(term_class, given)) for term_class in classes]
    shares = {term.name: term.share for term in terms if term.share}
    if math.fsum(shares.values()) > 1.0:
        said = " and ".join(f"{name} {share:g}" for name, share in shares.items())
        raise InputError(f"--terms={given['terms']}: of the labels' loss {said}, more than 1; lower one of them")
    return terms
