"""What run_classifier.py takes."""

import dataclasses
import typing

from bertline.common import table_lines
from bertline.settings.base import OF_MODEL, OF_OBJECTIVE, PATH, setting
from bertline.settings.fine_tuning import TaskSettings
from bertline.settings.owned import with_options


@with_options
@dataclasses.dataclass(frozen=True, kw_only=True)
class ClassifierSettings(TaskSettings):
    """What run_classifier.py takes beside."""

    owners = {**TaskSettings.owners, "loss": "loss", "task_sampling": "task_sampling"}
    problem_types: typing.ClassVar[tuple[str, ...]] = (
        "single_label_classification",
        "multi_label_classification",
        "regression",
        "ranking",
        "tags",
    )

    objective: str = setting(
        "sequence_classification",
        "What is learned: sequence_classification; similarity_regression, vectors of two sentences whose cosine is the "
        "score; candidate_ranking, which of a query's candidates is right.",
        as_trained=OF_OBJECTIVE,
    )
    sampling: str = setting(
        "natural",
        "How often training rows of each class come: natural, every row once an epoch; balanced, each class as often; "
        "square_root, between both.",
    )
    num_folds: int | None = setting(
        None,
        "Cross-validation: cut the training rows into so many folds, by label; train on all but one and evaluate on "
        "it, each in OUTPUT_DIR/fold-N. predictions.* has all rows.",
        False,
    )
    fold_seed: int = setting(1, "Of --num_folds: which rows are in which fold.", False)
    predictions_format: str = setting(table_lines.TSV, "Of the file predictions.*: tsv, csv or jsonl.", False)
    calibrate: str | None = setting(
        None,
        "Scale the trained head so that probabilities fit the dev rows: temperature, one number for all labels, or "
        "vector, a scale and an offset of each.",
        False,
    )
    abstain_below: float | None = setting(
        None,
        "Of classes: files of predictions say in a column of its own which rows have no class of this probability.",
        False,
    )
    tune_thresholds: bool = setting(
        False,
        "Of several labels: look for the threshold of the best F1 of each label on the dev rows, and save it.",
    )
    truncate: str = setting(
        "head",
        "What remains of a text that is too long: head, its first tokens, as in BERT, tail, its last ones, or "
        "head_tail, the first quarter and the last three quarters.",
        as_trained=OF_MODEL,
    )
    truncate_text: str = setting(
        "longest",
        "Which text of a pair that is too long is cut: longest, always the longer one, as in BERT, or a or b before "
        "the other one.",
        as_trained=OF_MODEL,
    )
    windows: str | None = setting(
        None,
        "Read a text that is too long by several windows, whose vectors become one: mean, max, or learned, a mean by "
        "learned weights.",
        as_trained=OF_MODEL,
    )
    window_stride: int | None = setting(
        None,
        "Tokens from the begin of a window to that of the next; by default windows do not overlap.",
        as_trained=OF_MODEL,
    )
    max_windows: int = setting(
        8, "Windows of a text; of a longer one --truncate says what remains.", as_trained=OF_MODEL
    )
    tasks_file: str | None = setting(
        None,
        "Several tasks at once: a file, INI or .toml, with a section for each, whose keys are names of flags, weight "
        "and metric. Shorter, with a folder for each task in --data_dir: --task_name=mrpc,rte,sst-2.",
        False,
        holds=PATH,
        as_trained=OF_MODEL,
    )
    task_sampling: str = setting(
        "size", "How often each of several tasks is drawn: size, square_root, temperature, or annealed."
    )
    best_task: str | None = setting(
        None, "The one of several tasks whose score picks the weights of --keep_best; by default the mean of all."
    )
