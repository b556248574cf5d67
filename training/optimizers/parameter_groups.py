"""Parameter groups: which weights have which share of the learning rate, which decay, and from which step on they move.

Source: google-research/bert `optimization.py`; Howard & Ruder 2018, https://arxiv.org/abs/1801.06146, sections 3.2, 3.3
"""

import dataclasses
import re


@dataclasses.dataclass(frozen=True)
class ParameterGroup:
    """Settings of all variables whose name has a match of `pattern` (re.search).

    Attributes:
      learning_rate_scale: factor of the learning rate; 0 freezes: no gradient is computed, no slot is made.
      weight_decay: what share of the weight the learning rate takes off it at each step.
      thaw_step: steps before the variables move for the first time; until then they count as frozen.
      rows: whether a gradient of single rows stays one, so that other rows and their slots are not touched; None: as
        the optimizer does by itself.
    """

    pattern: str
    learning_rate_scale: float = 1.0
    weight_decay: float = 0.0
    thaw_step: int = 0
    rows: bool | None = None


def parameter_groups(weight_decay, freeze=(), blocks=(), layer_decay=1.0, thaw_every_steps=0):
    """The groups of a run, most particular first.

    Args:
      weight_decay: of all weights but biases and layer norms, which have none, as in the original.
      freeze: patterns of the names that stay as they are.
      blocks: `Encoder.blocks`, patterns from bottom to top; weights that match none stand above them.
      layer_decay: factor between the learning rates of neighbouring blocks; the top one has 1. (1 / 2.6 in the paper.)
      thaw_every_steps: gradual unfreezing: what stands above the blocks moves from the start, the top block after so
        many steps, the next one after twice as many; 0: all move from the start.
    """
    groups = [ParameterGroup(pattern, 0.0) for pattern in freeze]
    top = len(blocks) - 1
    below = [(pattern, layer_decay ** (top - i), thaw_every_steps * (top - i + 1)) for i, pattern in enumerate(blocks)]
    for pattern, scale, thaw_step in [*below, (".", 1.0, 0)]:
        undecayed = rf"^(?=.*(LayerNorm|layer_norm|bias))(?=.*(?:{pattern}))"
        groups += [
            ParameterGroup(undecayed, scale, 0.0, thaw_step),
            ParameterGroup(pattern, scale, weight_decay, thaw_step),
        ]
    return groups


def group_of(name, groups):
    """The first group whose pattern is found in `name`. Raises ValueError where none is."""
    for group in groups:
        if re.search(group.pattern, name):
            return group
    raise ValueError(f"no parameter group matches {name}")
