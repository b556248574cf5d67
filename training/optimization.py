"""AdamW as in BERT, parameter groups, warm-up and linear decay.

Source: google-research/bert `optimization.py`; Loshchilov & Hutter 2017, https://arxiv.org/abs/1711.05101
"""

import dataclasses
import re

import tensorflow as tf

BETA_1, BETA_2, EPSILON = 0.9, 0.999, 1e-6
WEIGHT_DECAY = 0.01


@dataclasses.dataclass(frozen=True)
class ParameterGroup:
    """Settings of all variables whose name has a match of `pattern` (re.search).

    `learning_rate_scale` 0 freezes them: no gradient is computed, no slot is made.
    """

    pattern: str
    learning_rate_scale: float = 1.0
    weight_decay: float = WEIGHT_DECAY


def parameter_groups(freeze=(), layer_decay=1.0, blocks=()):
    """The groups of a fine-tuning run, most particular first.

    Args:
      freeze: patterns of the names that stay as they are.
      layer_decay: factor between the learning rates of neighbouring blocks, the top one has 1. Source: Howard & Ruder
        2018, https://arxiv.org/abs/1801.06146, section 3.2 (there 1 / 2.6).
      blocks: of the encoder, `Encoder.blocks`.
    """
    groups = [ParameterGroup(pattern, 0.0) for pattern in freeze]
    scales = [(".", 1.0)]
    if layer_decay != 1.0:
        top = len(blocks) - 1
        scales = [*((pattern, layer_decay ** (top - i)) for i, pattern in enumerate(blocks)), *scales]
    for pattern, scale in scales:
        # No decay for biases and layer norms, as in the original.
        undecayed = rf"^(?=.*(LayerNorm|layer_norm|bias))(?=.*(?:{pattern}))"
        groups += [ParameterGroup(undecayed, scale, 0.0), ParameterGroup(pattern, scale)]
    return groups


def group_of(name, groups):
    """The first group whose pattern is found in `name`. Raises ValueError where none is."""
    for group in groups:
        if re.search(group.pattern, name):
            return group
    raise ValueError(f"no parameter group matches {name}")


@dataclasses.dataclass(frozen=True)
class LinearSchedule:
    """Linear warm-up over `num_warmup_steps`, then linear decay to 0 at `num_train_steps`.

    As in the original the decay counts from the first step, not from the end of the warm-up, and the rate of a step is
    read after the step was counted: the first one has 1 / num_warmup_steps of the full rate, the last one 0.
    """

    learning_rate: float
    num_train_steps: int
    num_warmup_steps: int = 0

    def __call__(self, step):
        """int64 scalar, steps done so far -> float32 scalar, the rate of the next one."""
        done = tf.cast(step, tf.float32) + 1.0
        decayed = self.learning_rate * tf.maximum(0.0, 1.0 - done / float(max(1, self.num_train_steps)))
        if not self.num_warmup_steps:
            return decayed
        warming = self.learning_rate * done / float(self.num_warmup_steps)
        return tf.where(done < float(self.num_warmup_steps), warming, decayed)


class Adam:
    """Adam's moments and step; the base of optimizers whose subclasses say, in `_move`, how the step moves a weight.

    The moments are `slots`, dicts of variables by the name of the weight, so that a checkpoint finds them whatever the
    order of the weights.

    Args:
      named_weights: name -> variable; those of a group with scale 0 are left alone.
      schedule: step -> learning rate.
      groups: ParameterGroups.
      bias_correction: divide the moments by 1 - beta ** step, as Adam does (Kingma & Ba 2014, algorithm 1).
    """

    def __init__(self, named_weights, schedule, groups=None, bias_correction=False):
        groups = parameter_groups() if groups is None else groups
        self.groups = {name: group_of(name, groups) for name in named_weights}
        self.weights = {n: v.value for n, v in named_weights.items() if self.groups[n].learning_rate_scale > 0.0}
        self.schedule, self.bias_correction = schedule, bias_correction
        self.slots = {
            kind: {
                n: tf.Variable(tf.zeros(v.shape), trainable=False, name=f"{n}/{kind}") for n, v in self.weights.items()
            }
            for kind in ("adam_m", "adam_v")
        }

    def apply(self, gradients, step, extended):
        """One update of every weight.

        Args:
          gradients: name -> dense float32 tensor, clipped.
          step: int64 scalar, updates done before this one.
          extended: `strategy.extended`, in cross-replica context.
        """
        learning_rate = self.schedule(step)
        next_step = tf.cast(step, tf.float32) + 1.0
        power_1 = tf.pow(BETA_1, next_step) if self.bias_correction else tf.constant(0.0)
        power_2 = tf.pow(BETA_2, next_step) if self.bias_correction else tf.constant(0.0)
        # The fused kernel adds epsilon to the uncorrected root; scaled, it is Adam's own epsilon.
        epsilon = EPSILON * tf.sqrt(1.0 - power_2)
        for name, variable in self.weights.items():
            group = self.groups[name]

            def update(variable, gradient, m, v, group=group):
                def adam_step(rate):
                    # With powers of 0 this kernel is Adam without bias correction: one pass over four arrays.
                    return tf.raw_ops.ResourceApplyAdam(
                        var=variable.handle, m=m.handle, v=v.handle, beta1_power=power_1, beta2_power=power_2, lr=rate,
                        beta1=BETA_1, beta2=BETA_2, epsilon=epsilon, grad=gradient,
                    )  # fmt: skip

                return self._move(variable, adam_step, learning_rate * group.learning_rate_scale, group.weight_decay)

            slots = self.slots["adam_m"][name], self.slots["adam_v"][name]
            extended.update(variable, update, args=(gradients[name], *slots))

    def _move(self, variable, adam_step, rate, weight_decay):
        """Moves one weight.

        Args:
          variable: float32, the weight.
          adam_step: function of a rate, to be called once: updates the moments and takes rate * m / (sqrt(v) + epsilon)
            off the weight.
          rate: float32 scalar, the learning rate of this weight. weight_decay: float.
        """
        raise NotImplementedError


class AdamW(Adam):
    """Adam with decoupled weight decay, without bias correction unless it is asked for; see Adam for the arguments."""

    def _move(self, variable, adam_step, rate, weight_decay):
        if weight_decay:
            variable.assign(variable * (1.0 - rate * weight_decay))
        return adam_step(rate)
