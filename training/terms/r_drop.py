"""R-Drop: two passes with other dropout masks have to say the same.

Source: Wu et al. 2021, https://arxiv.org/abs/2106.14448, section 2.
"""

from bertline import registry
from bertline.options import Option
from bertline.training.terms.term import Term


@registry.register("term", "r_drop")
class RDrop(Term):
    """alpha * the mean of both Kullback-Leibler divergences; the objective's loss becomes the mean of both passes'.

    The paper adds the losses of both passes; here they are averaged, so that the learning rate keeps its meaning, and
    an alpha here is half of one there.
    """

    options = {"r_drop_alpha": Option(1.0, "How much the difference of two passes counts.", above=0.0)}

    def __init__(self, objective, r_drop_alpha=1.0):
        super().__init__(objective)
        if not objective.compares_outputs:
            raise self.refuse("has no outputs that could be compared with those of a second pass")
        self.alpha = r_drop_alpha

    def losses(self, forward):
        one, two = forward.outputs, forward.again(masks=1)
        second = self.objective.losses(forward.features, two)
        there = self.objective.divergence(forward.features, one, two)
        back = self.objective.divergence(forward.features, two, one)
        return {
            term: 0.5 * (second[term] - forward.losses[term]) + 0.5 * self.alpha * (there[term] + back[term])
            for term in there
        }
