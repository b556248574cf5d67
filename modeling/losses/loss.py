"""What every loss of classes is: a value for each row, of its label and its logits."""

import tensorflow as tf


class Loss:
    """Base of all losses, each of which is registered by its name.

    A subclass has `of_classes`, where each row has one class, and `of_several` where it fits several labels too.

    Args:
      class_shares: float [num_labels], of the training rows; None where they are not known, and where no row is
        trained on.

    Attributes:
      options: see `bertline.options`; each is an argument of the constructor.
      problem_types: of the tasks that it is for, a literal.
      reads_class_shares: whether training is refused without them.
    """

    options = {}
    problem_types: tuple[str, ...] = ("single_label_classification", "multi_label_classification")
    reads_class_shares = False

    def __init__(self, class_shares: list[float] | None = None):
        self.class_shares = class_shares

    def of_classes(self, labels: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
        """int32 [B] and float32 [B, num_labels] -> float32 [B]."""
        raise NotImplementedError

    def of_several(self, labels: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
        """float32 [B, num_labels] of 0 and 1, and as many logits -> float32 [B, num_labels]."""
        raise NotImplementedError
