"""Logit adjustment: training sees logits that rare classes have to raise further than frequent ones.

Source: Menon et al. 2021, https://arxiv.org/abs/2007.07314, equation 10.
"""

import numpy as np

from bertline import registry
from bertline.modeling.losses.cross_entropy import CrossEntropy
from bertline.options import Option


@registry.register("loss", "logit_adjustment")
class LogitAdjustment(CrossEntropy):
    """The cross entropy of logits + tau * log(share of the class). Predictions are those of the logits as they are.

    A class without a training row counts as if it had the share of the rarest class that has one.
    """

    options = {
        "adjustment_tau": Option(
            1.0, "How much the shares of the classes count; 0 is the cross entropy.", least=0.0, most=100.0
        )
    }
    problem_types = ("single_label_classification",)
    reads_class_shares = True

    def __init__(self, class_shares=None, adjustment_tau=1.0):
        super().__init__(class_shares)
        self.offsets = 0.0
        if class_shares is not None:
            shares = np.array(class_shares, np.float64)
            shares = np.where(shares > 0.0, shares, shares[shares > 0.0].min())
            self.offsets = (adjustment_tau * np.log(shares)).astype(np.float32)  # [num_labels]

    def of_classes(self, labels, logits):
        return super().of_classes(labels, logits + self.offsets)
