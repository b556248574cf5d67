"""What run_classifier.py takes."""

import dataclasses
import typing

from bertline.settings.base import OF_MODEL, OF_OBJECTIVE, PATH, setting
from bertline.settings.fine_tuning import TaskSettings
from bertline.settings.owned import with_options


@with_options
@dataclasses.dataclass(frozen=True, kw_only=True)
class ClassifierSettings(TaskSettings):
    """What run_classifier.py takes beside."""

    problem_types: typing.ClassVar[tuple[str, ...]] = (
        "single_label_classification",
        "multi_label_classification",
        "regression",
    )
    owners = {**TaskSettings.owners, "task_sampling": "task_sampling"}

    objective: str = setting(
        "sequence_classification",
        "What is learned: sequence_classification, or similarity_regression: vectors of two sentences whose cosine is "
        "the score.",
        as_trained=OF_OBJECTIVE,
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
