"""One optimizer step: gradients of a batch over micro-batches and replicas, clipped, applied."""

import tensorflow as tf

from bertline.modeling.layers.dropout import DropoutKey
from bertline.training.steps.distribution import slice_of
from bertline.training.steps.gradients import add, as_rows, keep_apart, map_values, specification, sum_duplicates, zeros
from bertline.training.steps.weighted import weighted_sum
from bertline.training.terms.forward import Forward

INITIAL_LOSS_SCALE = 2.0**15
LOSS_SCALE_GROWTH_STEPS = 2000  # as in Micikevicius et al. 2017, https://arxiv.org/abs/1710.03740, section 3.2


class TrainStep:
    """Callable: batch -> dict of scalars; updates the weights and counts the step.

    The loss is that of the whole batch: each term's values are divided by the weights of all micro-batches of all
    replicas, so that cutting the batch differently changes nothing but rounding (and the dropout masks).

    Args:
      objective: an Objective.
      optimizer: an Optimizer.
      step: int64 variable, optimizer steps done.
      seed: of the dropout masks, which are a function of (seed, step, replica, micro-batch).
      gradient_accumulation_steps: micro-batches per replica.
      max_grad_norm: gradients of a larger global norm are scaled down to it; 0 leaves them.
      loss_scaling: multiply the loss, for float16; a step whose gradients overflow is skipped and the scale halved.
      loss_weight: what the loss is multiplied by before its gradients are taken; what is reported is the loss itself.
      lanes: rows of every batch, where the objective carries a state from batch to batch.
      fixed_states: FixedStates, or None: batch -> the batch with what was computed of its rows before.
      static_shapes: gradients of single rows become dense: how many rows there are is known to no compiler.
      terms: of bertline.training.terms, what is added to the loss.
    """

    def __init__(
        self,
        objective,
        optimizer,
        step,
        seed,
        gradient_accumulation_steps=1,
        max_grad_norm=1.0,
        loss_scaling=False,
        static_shapes=False,
        lanes=0,
        fixed_states=None,
        loss_weight=1.0,
        terms=(),
    ):
        self.objective, self.optimizer, self.step = objective, optimizer, step
        self.seed, self.micro_batches, self.max_grad_norm = seed, gradient_accumulation_steps, max_grad_norm
        self.static_shapes, self.fixed_states, self.loss_weight = static_shapes, fixed_states, loss_weight
        self.terms = [term for term in terms if not term.reads_word_gradients]
        self.late_terms = [term for term in terms if term.reads_word_gradients]
        # By the names that a checkpoint has them under.
        self.weights_of_terms = {
            f"{term.name}/{name}": weight.value for term in terms for name, weight in term.named_weights().items()
        }
        own = {id(variable.value) for variable in objective.named_weights().values()}
        own |= {id(variable) for variable in self.weights_of_terms.values()}
        # Of several objectives over one encoder each step moves its own weights alone.
        self.weights = {name: variable for name, variable in optimizer.weights.items() if id(variable) in own}
        zero = objective.zero_state(lanes)
        # What the next batch goes on with: a nest of variables; None where nothing is carried.
        self.state = None if zero is None else tf.nest.map_structure(lambda t: tf.Variable(t, trainable=False), zero)
        self.strategy = tf.distribute.get_strategy()
        self.loss_scale = tf.Variable(INITIAL_LOSS_SCALE, trainable=False) if loss_scaling else None
        self.finite_steps = tf.Variable(0, trainable=False, dtype=tf.int64) if loss_scaling else None

    def variables(self):
        """What a checkpoint must hold beside weights and slots."""
        found = {} if self.loss_scale is None else {"loss_scale": self.loss_scale, "finite_steps": self.finite_steps}
        if self.weights_of_terms:
            found["weights_of_terms"] = self.weights_of_terms
        if self.state is not None:
            found["state"] = {str(i): variable for i, variable in enumerate(tf.nest.flatten(self.state))}
        return found

    @property
    def added(self):
        """Names of what is added to the objective's loss."""
        return [term.name for term in (*self.terms, *self.late_terms)]

    def __call__(self, batch):
        """Returns float32 scalars: `loss`, its terms if several, the objective's measures, what each of `terms` adds,
        `grad_norm` before clipping, `learning_rate`; with loss scaling `loss_scale`, the one that the step was made
        with.
        """
        if self.fixed_states is not None:
            batch = self.fixed_states(batch)
        totals = {term: tf.reduce_sum(w) for term, w in self.objective.loss_weights(batch).items()}
        results = self.strategy.run(self._replica_step, args=(batch, totals))
        results = {name: self.strategy.experimental_local_results(value)[0] for name, value in results.items()}
        results["learning_rate"] = self.optimizer.schedule(self.step)
        self.step.assign_add(1)
        return results

    def _replica_step(self, batch, totals):
        replica = tf.distribute.get_replica_context()
        count, index = replica.num_replicas_in_sync, replica.replica_id_in_sync_group
        share = slice_of(batch, index, count) if count > 1 else batch
        terms, gradients = self._accumulate(share, totals, index)
        if count > 1:
            terms, gradients = (
                dict(zip(values, replica.all_reduce("SUM", list(values.values())))) for values in (terms, gradients)
            )
        gradients = {name: self._freeze(name, sum_duplicates(g)) for name, g in gradients.items()}
        scaling = {}
        if self.loss_scale is not None:
            scaling["loss_scale"] = tf.identity(self.loss_scale)  # before it is changed
            gradients = {name: map_values(g, lambda v: v / scaling["loss_scale"]) for name, g in gradients.items()}
        norm = tf.linalg.global_norm(list(gradients.values()))
        if self.max_grad_norm:
            # After the all-reduce, so that every replica scales by the norm of the whole batch's gradients.
            scale = tf.minimum(1.0, self.max_grad_norm / tf.maximum(norm, 1e-30))
            gradients = {name: map_values(g, lambda v: v * scale) for name, g in gradients.items()}
        replica.merge_call(self._apply, args=(gradients, norm))
        loss = tf.add_n([terms[name] for name in (*self.objective.terms, *self.added)])
        rest = {name: value for name, value in terms.items() if name != "loss"}
        return {"loss": loss, **rest, "grad_norm": norm, **scaling}

    def _accumulate(self, batch, totals, replica_index):
        """Terms, measures and gradients of this replica's share, summed over its micro-batches."""
        seed = tf.stack([tf.constant(self.seed, tf.int32), tf.cast(self.step, tf.int32)])
        key = DropoutKey(seed).child(replica_index)
        if self.micro_batches == 1:
            return self._forward_backward(batch, totals, key)

        def body(i, *sums):
            share = slice_of(batch, i, self.micro_batches)
            terms, gradients = self._forward_backward(share, totals, key.child(i))
            return (i + 1, *map(add, sums, [*terms.values(), *gradients.values()]))

        names, weights = [*totals, *self.objective.measures, *self.added], self.weights.items()
        sums = [tf.zeros([]) for _ in names] + [zeros(v, self._keeps_single_rows(name)) for name, v in weights]
        shapes = [tf.TensorSpec([])] * len(names) + [specification(v, self._keeps_single_rows(n)) for n, v in weights]
        # One at a time: running them side by side would need the memory that accumulation is there to save.
        _, *sums = tf.while_loop(
            lambda i, *_: i < self.micro_batches,
            body,
            [0, *sums],
            [tf.TensorSpec([], tf.int32), *shapes],
            parallel_iterations=1,
        )
        return dict(zip(names, sums)), dict(zip(self.weights, sums[len(names) :]))

    def _forward_backward(self, batch, totals, key):
        weights = self.weights
        loss_weights = self.objective.loss_weights(batch)

        def mean(values, term):
            return weighted_sum(term, values, loss_weights[term]) / tf.maximum(totals[term], 1e-5)

        def added(terms, forward):
            """Name -> what each term adds to the loss."""
            values = {term.name: term.losses(forward).items() for term in terms}
            return {name: tf.add_n([mean(value, of) for of, value in found]) for name, found in values.items()}

        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(list(weights.values()))
            records = any(term.reads_states for term in (*self.terms, *self.late_terms))
            watch = tape.watch if self.late_terms else None
            forward = Forward(self.objective, self._outputs, batch, key, watch, records)
            values = forward.losses
            terms = {term: mean(values[term], term) for term in totals}
            more = added(self.terms, forward)
            loss = self._scale(tf.add_n([*terms.values(), *more.values()]))
        terms |= {name: mean(values[name], term) for name, term in self.objective.measures.items()} | more
        found = self._gradients(tape, loss, forward.word_vectors)
        if self.late_terms:
            forward.gradients = found.pop("word_vectors")
            with tf.GradientTape(watch_accessed_variables=False) as tape:
                tape.watch(list(weights.values()))
                more = added(self.late_terms, forward)
                loss = self._scale(tf.add_n(list(more.values())))
            terms |= more
            late = self._gradients(tape, loss)
            found = {name: add(keep_apart(gradient), keep_apart(late[name])) for name, gradient in found.items()}
        return terms, {name: keep_apart(g) for name, g in found.items()} if self.added else found

    def _scale(self, loss):
        """What gradients are taken of."""
        loss = loss if self.loss_weight == 1.0 else loss * self.loss_weight
        return loss if self.loss_scale is None else loss * self.loss_scale

    def _gradients(self, tape, loss, word_vectors=()):
        """Name -> gradient of each weight; where there are `word_vectors`, under that name the list of theirs."""
        weights = self.weights
        found = tape.gradient(
            loss, [*weights.values(), *word_vectors], unconnected_gradients=tf.UnconnectedGradients.ZERO
        )
        gradients = {name: self._dense_or_rows(name, g) for name, g in zip(weights, found)}
        return gradients | ({"word_vectors": found[len(weights) :]} if word_vectors else {})

    def _outputs(self, batch, key):
        """The objective's; of one that carries a state the next one is kept."""
        if self.state is None:
            return self.objective(batch, dropout_key=key)
        outputs = self.objective(batch, dropout_key=key, state=tf.nest.map_structure(tf.identity, self.state))
        tf.nest.map_structure(lambda kept, after: kept.assign(after), self.state, outputs["state"])
        return outputs

    def _dense_or_rows(self, name, gradient):
        """AdamW moves every row of an embedding, touched or not, as the original does; others leave rows alone."""
        if not self._keeps_single_rows(name):
            return tf.convert_to_tensor(gradient)
        is_sum = self.micro_batches > 1 or self.late_terms  # a loop needs one kind from beginning to end
        is_rows = isinstance(gradient, tf.IndexedSlices)
        return as_rows(gradient) if is_rows or is_sum else gradient

    def _keeps_single_rows(self, name):
        return not self.static_shapes and self.optimizer.keeps_single_rows(name)

    def _freeze(self, name, gradient):
        """The gradient; 0 of a weight that does not move yet."""
        frozen = self.optimizer.is_frozen(name, self.step)
        if frozen is None:
            return gradient
        return map_values(gradient, lambda values: tf.where(frozen, tf.zeros_like(values), values))

    def _apply(self, strategy, gradients, norm):
        def update():
            self.optimizer.apply(gradients, self.step, strategy.extended)

        if self.loss_scale is None:
            return update()
        finite = tf.math.is_finite(strategy.experimental_local_results(norm)[0])
        tf.cond(finite, update, lambda: None)
        grown = tf.equal(self.finite_steps + 1, LOSS_SCALE_GROWTH_STEPS)
        factor = tf.where(finite, tf.where(grown, 2.0, 1.0), 0.5)
        self.loss_scale.assign(tf.maximum(1.0, self.loss_scale * factor))
        return self.finite_steps.assign(tf.where(finite & ~grown, self.finite_steps + 1, 0))
