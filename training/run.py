"""What every training script does with a model and its batches: optimizer, step, loop, and what its end means."""

import dataclasses
import logging
import sys

import numpy as np
import tensorflow as tf

import options
import registry
from errors import InputError
from training import checkpoints, run_folder
from training.building import frozen_patterns, uses_static_shapes
from training.evaluation import Evaluator
from training.loop import Interrupted, LoopSettings, TrainingDiverged, TrainingLoop
from training.parameter_groups import parameter_groups
from training.step import TrainStep
from training.weights import save_huggingface, save_modules

EXIT_DIVERGED = 3


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


def check_settings(settings, num_replicas):
    """Raises InputError for settings that no training on this many replicas can have."""
    for kind in ("optimizer", "learning_rate_schedule"):
        registry.get(kind, getattr(settings, kind))
    if settings.train_batch_size % num_replicas and uses_static_shapes(settings):
        raise InputError(
            f"--train_batch_size={settings.train_batch_size} is not a multiple of the {num_replicas} replicas"
        )


def check_whole_batches(objective, settings, num_replicas):
    """Raises InputError where a batch would be cut whose rows belong together, or to those of the batch before."""
    if not (objective.relates_rows or objective.carries_state):
        return
    why = "compares the rows of a batch" if objective.relates_rows else "carries a state from batch to batch"
    if settings.gradient_accumulation_steps > 1:
        raise InputError(
            f"--gradient_accumulation_steps={settings.gradient_accumulation_steps}: --objective={objective.name} "
            f"{why}, which then cannot be cut; to need less memory give "
            "--rematerialize or a smaller --train_batch_size"
        )
    if num_replicas > 1:
        raise InputError(
            f"{num_replicas} devices: --objective={objective.name} {why}, which cannot be spread; give --num_gpus=1"
        )


def groups_of(settings, encoder):
    """The parameter groups that the settings ask for. Raises InputError for a --freeze_layers that cannot be."""
    frozen = frozen_patterns(settings.freeze_layers, encoder)
    own = registry.get("optimizer", settings.optimizer).weight_decay
    decay = own if settings.weight_decay is None else settings.weight_decay
    return parameter_groups(decay, frozen, encoder.blocks(), settings.layer_decay, settings.thaw_every_steps)


def make_optimizer(named_weights, groups, plan, settings):
    """The optimizer of --optimizer, at the rates of --learning_rate_schedule."""
    schedule_class = registry.get("learning_rate_schedule", settings.learning_rate_schedule)
    schedule = schedule_class(
        settings.learning_rate, plan.num_train_steps, plan.num_warmup_steps,
        **options.values_for(schedule_class, vars(settings)),
    )  # fmt: skip
    optimizer_class = registry.get("optimizer", settings.optimizer)
    return optimizer_class(named_weights, schedule, groups, **options.values_for(optimizer_class, vars(settings)))


def load_initial(objective, source, settings, output_dir, allow_missing=None):
    """Reads the weights to start from; checks that there is room for those that the run will save.

    Args:
      allow_missing: pattern of the encoder's weights that need not be there, unless the settings have another.
    """
    weights = sum(int(np.prod(v.shape)) for v in objective.named_weights().values())
    # Weights and two slots of float32; the older checkpoint goes only after the newer one is whole.
    run_folder.check_free_disk(output_dir, weights * 4 * 3 * (checkpoints.KEPT + 1))
    source.load_into(objective, settings.allow_missing_weights or allow_missing)


def make_evaluator(objective, settings):
    """An Evaluator of the objective."""
    return Evaluator(objective, static_shapes=uses_static_shapes(settings), jit_compile=settings.xla)


def train(objective, groups, streams, draw, plan, settings, output_dir, evaluate=None):
    """Trains from the newest checkpoint of the folder, or from the weights as they are, to the last step.

    Args:
      groups: of `groups_of`.
      streams: list of training.job_data.Stream. draw: see JobData.draw.
      plan: a Plan.
      evaluate: () -> dict of metrics, called every `settings.eval_steps`; None: never.

    Returns:
      The step that the weights are of.

    Raises:
      TrainingDiverged, Interrupted, InputError.
    """
    if settings.overwrite_output_dir:
        checkpoints.remove_run(output_dir)
    # Until the command ends: the same one then goes on, although it says --overwrite_output_dir.
    overwriting = settings.overwrite_output_dir or run_folder.is_overwriting(output_dir)
    optimizer = make_optimizer(objective.named_weights(), groups, plan, settings)
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
            static_shapes=uses_static_shapes(settings),
            lanes=settings.train_batch_size,
        )  # fmt: skip
        for stream in streams
    }
    pace = LoopSettings(
        num_train_steps=plan.num_train_steps,
        batch_size=settings.train_batch_size,
        iterations_per_loop=settings.iterations_per_loop,
        save_checkpoints_steps=settings.save_checkpoints_steps,
        eval_steps=settings.eval_steps,
        best_metric=plan.best_metric,
        lower_is_better=plan.lower_is_better,
        patience=settings.patience,
        static_shapes=uses_static_shapes(settings),
        jit_compile=settings.xla,
    )
    batches = {stream.name: stream.batches(settings.seed) for stream in streams}
    loop = TrainingLoop(objective, train_steps, batches, output_dir, pace, draw)
    run_folder.write_run_config(
        output_dir, settings, training_data=plan.data_key, dev_data=plan.dev_key, num_train_steps=plan.num_train_steps,
        encoder_config=objective.encoder.config.to_dict(), **{run_folder.OVERWRITING: overwriting},
    )  # fmt: skip
    logging.info("***** Running training *****")
    logging.info("  %s, batch size = %d, steps = %d, seed = %d", plan.data_size, settings.train_batch_size,
                 plan.num_train_steps, settings.seed)  # fmt: skip
    before = loop.checkpoints.latest
    step = loop.train(evaluate if settings.eval_steps else None)
    if loop.checkpoints.latest == before:
        logging.info("%s is a finished run, at step %d; nothing to train (--overwrite_output_dir starts anew)",
                     output_dir, plan.num_train_steps)  # fmt: skip
    return step


def save_model(objective, output_dir, tokenizer, max_seq_length, step, extra_config=None):
    """Writes model/, which `transformers` loads; sentence-transformers too, where the objective learns vectors.

    `step`: the one that the weights are of; config.json says it.
    """
    folder = run_folder.model_folder(output_dir)
    said = {"global_step": step, **objective.saved_entries(), **(extra_config or {})}
    save_huggingface(objective, folder, tokenizer, said)
    if objective.sentence_pooling:
        width = objective.encoder.width
        save_modules(folder, objective.sentence_pooling, width, max_seq_length, objective.normalizes_vectors)


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
