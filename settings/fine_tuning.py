"""What every fine-tuning script takes."""

import dataclasses
import typing

from bertline.settings.base import ENCODING, OF_OBJECTIVE, OF_TASK, PATH, PATHS, setting
from bertline.settings.run import RunSettings


@dataclasses.dataclass(frozen=True, kw_only=True)
class FineTuningSettings(RunSettings):
    """What the fine-tuning scripts take beside."""

    script: typing.ClassVar[str] = "run_classifier.py"

    data_dir: str | None = setting(None, "The input data directory: the files of the task.", False, holds=PATH)
    do_train: bool = setting(False, "Whether to run training.", False)
    do_eval: bool = setting(False, "Whether to run eval on the dev set.", False)
    do_predict: bool = setting(False, "Whether to run the model in inference mode on the test set.", False)
    train_batch_size: int = setting(32, "Total batch size for training.")
    eval_batch_size: int = setting(8, "Sequences of full length that eval may hold at once; of short ones more.", False)
    predict_batch_size: int = setting(8, "The same for predict.", False)
    num_train_epochs: float = setting(3.0, "Total number of training epochs to perform.")
    warmup_proportion: float = setting(0.1, "Proportion of training over which the learning rate rises linearly.")
    length_pool_batches: int = setting(
        1, "Training batches cut from one pool sorted by length: 64 is faster, 1 is random order and can score higher."
    )
    num_runs: int = setting(
        1, "Train with so many seeds, from --seed on, each in output_dir/run-SEED; report mean and deviation.", False
    )
    report: bool = setting(
        True, "Write report.html: scores with intervals, errors, curves and settings of the run on one page.", False
    )
    num_processes: int | None = setting(None, "Processes that write records; by default as many as pay off.", False)
    pad_records: bool = setting(
        False, "Write TFRecords as the original does, filled up to --max_seq_length: its readers take them.", False
    )
    records_dir: str | None = setting(
        None,
        "Where TFRecords are written and found again; by default records/ in the output directory.",
        False,
        holds=PATH,
    )


@dataclasses.dataclass(frozen=True, kw_only=True)
class TaskSettings(FineTuningSettings):
    """What scripts take that read a task's files.

    Attributes:
      problem_types: of the tasks that the script is for; where there is one such task, it need not be named.
    """

    problem_types: typing.ClassVar[tuple[str, ...]] = ()
    owners = {**RunSettings.owners, "objective": "objective", "processor": "task_name", "term": "terms"}

    task_name: str | None = setting(None, "The name of the task to train.", as_trained=OF_TASK)
    objective: str | None = setting(None, "What is learned.", as_trained=OF_OBJECTIVE)
    init_task: str | None = setting(
        None,
        "Of weights of several tasks: the one whose head is read, and whose settings evaluation and prediction have. "
        "By default it is the one of --task_name.",
    )
    terms: str = setting(
        "",
        "Terms that training adds to the loss, separated by commas: label_smoothing, r_drop, fgm (adversarial), "
        "supervised_contrastive, distillation.",
    )
    search: str | None = setting(
        None,
        "Try values of flags, each setting in OUTPUT_DIR/trial-N: learning_rate:1e-5,3e-5;num_train_epochs:2,3 are "
        "four. With --search_trials a range, too: learning_rate:1e-5..1e-4.",
        False,
    )
    search_trials: int | None = setting(None, "Of --search: so many settings at random, instead of all.", False)
    search_stop: str | None = setting(
        None,
        "Of --search: median stops a trial whose best evaluation is below the median of what others had by that step.",
        False,
    )
    train_records: str | None = setting(
        None, "TFRecords to train on, written before: files or a pattern.", False, holds=PATHS
    )
    eval_records: str | None = setting(None, "TFRecords to evaluate on.", False, holds=PATHS)
    predict_records: str | None = setting(None, "TFRecords to predict.", False, holds=PATHS)
    encoding: str | None = setting(None, f"{ENCODING} By default the task's own, utf-8 for most.", False)
