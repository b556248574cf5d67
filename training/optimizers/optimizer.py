"""What every optimizer is: slots of its own for each weight, and how one step moves a weight, or some rows of it."""

import contextlib

import tensorflow as tf

from bertline.training.optimizers.parameter_groups import group_of, parameter_groups


class Optimizer:
    """Base of all optimizers; a subclass says what one step does, in `move` and, where rows may stay rows, `move_rows`.

    Args:
      named_weights: name -> variable; those of a group with scale 0 are left alone, and so are those that their layer
        made or set not `trainable`.
      schedule: steps done -> learning rate, see training/schedules.
      groups: ParameterGroups.

    Attributes:
      options: see `options`.
      weight_decay: of the groups, where nobody says another.
      slot_names: what is kept for each weight.
      keeps_rows: whether gradients of single rows (of a table that is looked up in) stay ones by themselves. Else, and
        where the group says so, they become dense, and every row moves.
      weights: name -> tf.Variable of what is trained.
      slots: kind -> name -> tf.Variable, so that a checkpoint finds them whatever the order of the weights.
    """

    options = {}
    weight_decay = 0.0
    slot_names = ()
    keeps_rows = False

    def __init__(self, named_weights, schedule, groups=None):
        groups = parameter_groups(self.weight_decay) if groups is None else groups
        self.groups = {name: group_of(name, groups) for name in named_weights}
        self.weights = {
            n: v.value for n, v in named_weights.items() if v.trainable and self.groups[n].learning_rate_scale > 0.0
        }
        self.schedule = schedule
        self.slots = {kind: self._slot(kind) for kind in self.slot_names}

    def _slot(self, kind):
        return {
            name: tf.Variable(self.initial_slot(kind, name, variable), trainable=False, name=f"{name}/{kind}")
            for name, variable in self.weights.items()
        }

    def initial_slot(self, kind, name, variable):
        """What a slot of the weight `name` holds before the first step."""
        return tf.zeros(variable.shape)

    def keeps_single_rows(self, name):
        """Whether a gradient of single rows of this weight stays one."""
        rows = self.groups[name].rows
        return self.keeps_rows if rows is None else rows

    def apply(self, gradients, step, extended):
        """One update of every weight that has a gradient: those of other tasks' heads have none and stand still.

        Args:
          gradients: name -> float32 tensor, or tf.IndexedSlices of different rows; clipped.
          step: int64 scalar, updates done before this one.
          extended: `strategy.extended`, in cross-replica context.
        """
        learning_rate, shared = self.schedule(step), self.begin(step)
        for name in gradients:
            variable = self.weights[name]
            group, kinds = self.groups[name], list(self.slots)

            def update(variable, gradient, *slots, group=group, kinds=kinds):
                slots, rate = dict(zip(kinds, slots)), learning_rate * group.learning_rate_scale

                def move():
                    if isinstance(gradient, tf.IndexedSlices):
                        self.move_rows(variable, gradient, slots, rate, group.weight_decay, shared)
                    else:
                        self.move(variable, gradient, slots, rate, group.weight_decay, shared)
                    return tf.constant(True)

                if group.thaw_step:
                    return tf.cond(step >= group.thaw_step, move, lambda: tf.constant(False))
                return move()

            extended.update(variable, update, args=(gradients[name], *(self.slots[kind][name] for kind in kinds)))

    def averages(self, step):
        """name -> float32 tensor: weights to evaluate and to keep instead of the present ones; {} where there are none.

        step: int, updates done.
        """
        return {}

    def use_averages(self, step):
        """Puts the averages in the place of the weights: the end of a training. step: int, updates done."""
        for name, value in self.averages(step).items():
            self.weights[name].assign(value)

    @contextlib.contextmanager
    def with_averages(self, step):
        """Averages stand in the place of the weights inside."""
        kept = {name: tf.identity(self.weights[name]) for name in self.averages(step)}
        self.use_averages(step)
        try:
            yield
        finally:
            for name, value in kept.items():
                self.weights[name].assign(value)

    def is_frozen(self, name, step):
        """bool scalar: whether the weight does not move yet; None where it always does."""
        thaw_step = self.groups[name].thaw_step
        return step < thaw_step if thaw_step else None

    def begin(self, step):
        """What the moves of all weights in a step share: any value, given to each of them.

        step: int64 scalar, updates done before this one.
        """
        return None

    def move(self, variable, gradient, slots, rate, weight_decay, shared):
        """Moves one weight.

        Args:
          variable: float32. gradient: as `variable`. slots: kind -> variable.
          rate: float32 scalar, the learning rate of this weight. weight_decay: float. shared: of `begin`.
        """
        raise NotImplementedError

    def move_rows(self, variable, gradient, slots, rate, weight_decay, shared):
        """Moves some rows of one weight; with a gradient of every row it does what `move` does.

        Args:
          gradient: tf.IndexedSlices, each row once. The others as for `move`.
        """
        raise NotImplementedError(f"{type(self).__name__} moves whole weights only")
