"""What every training job does with a model and its batches: checks, optimizer, loop, and what its end means."""

import dataclasses
import logging
import sys

import numpy as np
import tensorflow as tf

from bertline import options, registry
from bertline.errors import EXIT_DIVERGED, InputError
from bertline.training.folder import checkpoints, run_folder
from bertline.training.jobs.building import frozen_patterns
from bertline.training.optimizers.parameter_groups import parameter_groups
from bertline.training.steps.loop import Interrupted, TrainingDiverged, TrainingLoop
from bertline.training.steps.step import TrainStep
from bertline.weights.load_save import save_huggingface, save_modules


@dataclasses.dataclass(frozen=True)
class OptimizerSettings:
    """The settings that choose how weights move; see settings/ for each."""

    optimizer: str
    learning_rate_schedule: str
    learning_rate: float
    weight_decay: float | None
    freeze_layers: str | None
    layer_decay: float
    thaw_every_steps: int


@dataclasses.dataclass(frozen=True)
class StepSettings:
    """The settings that say how a step is computed; see settings/ for each."""

    seed: int
    train_batch_size: int
    gradient_accumulation_steps: int
    max_grad_norm: float
    dtype: str


@dataclasses.dataclass(frozen=True)
class Plan:
    """How long a run is and what it is compared by.

    Attributes:
      num_train_steps, num_warmup_steps: int.
      data_key: hash of the training data, by which the folder knows its run again.
      data_size: what the log says of the data.
      dev_key: hash of the data that evaluations are compared on; None where none are.
      best_metric: which of the evaluation's metrics picks the best weights; None keeps the last ones.
      lower_is_better: whether its lowest value is the best.
    """

    num_train_steps: int
    num_warmup_steps: int
    data_key: str
    data_size: str
    dev_key: str | None = None
    best_metric: str | None = None
    lower_is_better: bool = False


def check_names(choice):
    """Raises InputError for an OptimizerSettings that names what is not registered."""
    for kind in ("optimizer", "learning_rate_schedule"):
        registry.get(kind, getattr(choice, kind))


def check_whole_batches(objective, gradient_accumulation_steps, num_replicas, terms=()):
    """Raises InputError where a batch would be cut whose rows belong together, or to those of the batch before.

    terms: of bertline.training.terms.
    """
    relating = [f"--terms={term.name}" for term in terms if term.relates_rows]
    if not (objective.relates_rows or objective.carries_state or relating):
        return
    who = f"--objective={objective.name}" if objective.relates_rows or objective.carries_state else relating[0]
    carries = objective.carries_state and not objective.relates_rows
    why = "carries a state from batch to batch" if carries else "compares the rows of a batch"
    if gradient_accumulation_steps > 1:
        raise InputError(
            f"--gradient_accumulation_steps={gradient_accumulation_steps}: {who} {why}, which then cannot be cut; to "
            "need less memory give --rematerialize or a smaller --train_batch_size"
        )
    if num_replicas > 1:
        raise InputError(f"{num_replicas} devices: {who} {why}, which cannot be spread; give --num_gpus=1")


def weights_of_terms(terms):
    """Name -> variable of what terms learn beside the objective; terms: name of a stream -> list of Term."""
    return {
        f"{stream}/{term.name}/{name}": weight
        for stream, found in terms.items()
        for term in found
        for name, weight in term.named_weights().items()
    }


def groups_of(choice, encoder):
    """The parameter groups of an OptimizerSettings. Raises InputError for a --freeze_layers that cannot be."""
    frozen = frozen_patterns(choice.freeze_layers, encoder)
    own = registry.get("optimizer", choice.optimizer).weight_decay
    decay = own if choice.weight_decay is None else choice.weight_decay
    return parameter_groups(decay, frozen, encoder.blocks(), choice.layer_decay, choice.thaw_every_steps)


def make_optimizer(named_weights, groups, plan, choice, given):
    """The optimizer of --optimizer, at the rates of --learning_rate_schedule.

    Args:
      choice: OptimizerSettings. given: name -> value, the options of both among others.
    """
    schedule_class = registry.get("learning_rate_schedule", choice.learning_rate_schedule)
    schedule = schedule_class(
        choice.learning_rate, plan.num_train_steps, plan.num_warmup_steps, **options.values_for(schedule_class, given)
    )
    optimizer_class = registry.get("optimizer", choice.optimizer)
    return optimizer_class(named_weights, schedule, groups, **options.values_for(optimizer_class, given))


def load_initial(objective, source, output_dir, allow_missing=None):
    """Reads the weights to start from; checks that there is room for those that the run will save.

    Args:
      allow_missing: pattern of the encoder's weights that need not be there.
    """
    weights = sum(int(np.prod(v.shape)) for v in objective.named_weights().values())
    # Weights and two slots of float32; the older checkpoint goes only after the newer one is whole.
    run_folder.check_free_disk(output_dir, weights * 4 * 3 * (checkpoints.KEPT + 1))
    source.load_into(objective, allow_missing)


def make_loop(objective, optimizer, streams, draw, output_dir, settings, pace, terms):
    """The TrainingLoop of a job, at the newest checkpoint of the folder.

    Args:
      streams: list of bertline.training.jobs.job_data.Stream.
      draw: step -> number of the stream, see JobData.draw.
      settings: StepSettings. pace: LoopSettings.
      terms: name of a stream -> list of bertline.training.terms.term.Term.
    """
    step = tf.Variable(0, dtype=tf.int64, trainable=False)
    train_steps = {
        stream.name: TrainStep(
            objective.of_stream(stream.name),
            optimizer,
            step,
            settings.seed,
            settings.gradient_accumulation_steps,
            settings.max_grad_norm,
            loss_scaling=settings.dtype == "float16",
            static_shapes=pace.static_shapes,
            lanes=settings.train_batch_size,
            fixed_states=stream.fixed_states and stream.fixed_states(objective.encoder),
            terms=terms[stream.name],
            loss_weight=stream.loss_weight,
        )
        for stream in streams
    }
    batches = {stream.name: stream.batches(settings.seed) for stream in streams}
    return TrainingLoop(objective, train_steps, batches, output_dir, pace, draw)


def train(loop, plan, settings, evaluate=None, is_hopeless=None):
    """Trains to the last step.

    Args:
      plan: a Plan. settings: StepSettings.
      evaluate: () -> dict of metrics, called every so many steps; None: never.
      is_hopeless: step -> whether its evaluations say that the run may end there; None: it never may.

    Returns:
      The step that the weights are of.

    Raises:
      TrainingDiverged, Interrupted, InputError.
    """
    logging.info("***** Running training *****")
    logging.info(
        "  %s, batch size = %d, steps = %d, seed = %d",
        plan.data_size,
        settings.train_batch_size,
        plan.num_train_steps,
        settings.seed,
    )
    before = loop.checkpoints.latest
    step = loop.train(evaluate, is_hopeless)
    if loop.checkpoints.latest == before:
        logging.info(
            "%s is a finished run, at step %d; nothing to train (--overwrite_output_dir starts anew)",
            loop.output_dir,
            plan.num_train_steps,
        )
    return step


def save_model(objective, output_dir, tokenizer, max_seq_length, step, extra_config=None):
    """Writes model/, which `transformers` loads; sentence-transformers too, where the objective learns vectors.

    `step`: the one that the weights are of; config.json says it.
    """
    folder = run_folder.model_folder(output_dir)
    _warn_of_own_predictions(objective)
    said = {"global_step": step, **objective.saved_entries(), **(extra_config or {})}
    save_huggingface(objective, folder, tokenizer, said)
    if objective.sentence_pooling:
        width = objective.encoder.width
        save_modules(folder, objective.sentence_pooling, width, max_seq_length, objective.normalizes_vectors)


def _warn_of_own_predictions(objective):
    """model/ names a class of transformers, whose outputs are those of the base of a derived objective."""
    base = next((cls for cls in type(objective).__mro__ if "architectures" in vars(cls)), None)
    if base is None or not base.architectures:
        return
    for name in ("call", "predictions"):
        if getattr(type(objective), name) is not getattr(base, name):
            logging.warning(
                "model/ is opened as %s by bertline.load and transformers, without the %s of %s",
                registry.name_of("objective", base),
                name,
                objective.owner,
            )


def exit_status(error, where=""):
    """Says in one line why a run stopped, and returns the exit status of the script.

    Args:
      error: TrainingDiverged or Interrupted.
      where: of TrainingDiverged: the rows of the batch.
    """
    if isinstance(error, Interrupted):
        print(f"{error}", file=sys.stderr)
        return 128 + error.signal_number
    print(f"error: {error}{where}; lower --learning_rate, raise the warm-up or look at the data", file=sys.stderr)
    return EXIT_DIVERGED


STOPPED = (TrainingDiverged, Interrupted)
