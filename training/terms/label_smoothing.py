"""Label smoothing: a share of each label is spread over all that could be right.

Source: Szegedy et al. 2016, https://arxiv.org/abs/1512.00567, section 7.
"""

from bertline import registry
from bertline.options import Option
from bertline.training.terms.term import Term


@registry.register("term", "label_smoothing")
class LabelSmoothing(Term):
    """(1 - share) * the objective's loss + share * its divergence from outputs that hold everything for as likely.

    Beside the cross entropy that is the cross entropy of the smoothed labels, less share * the entropy of the even
    distribution, which is a constant.
    """

    options = {
        "label_smoothing": Option(
            0.1, "Share of each label that is spread over all that could be right.", above=0.0, most=1.0
        )
    }

    def __init__(self, objective, label_smoothing=0.1):
        super().__init__(objective)
        if not objective.has_distributions:
            raise self.refuse("has no probabilities of several answers")
        self.share = label_smoothing

    def losses(self, forward):
        even = self.objective.even_outputs(forward.features, forward.outputs)
        apart = self.objective.divergence(forward.features, forward.outputs, even)
        return {term: self.share * (value - forward.losses[term]) for term, value in apart.items()}
