"""What run_classifier.py takes."""

import dataclasses
import typing

from bertline.settings.base import OF_OBJECTIVE, setting
from bertline.settings.fine_tuning import TaskSettings
from bertline.settings.owned import with_options


@with_options
@dataclasses.dataclass(frozen=True, kw_only=True)
class ClassifierSettings(TaskSettings):
    """What run_classifier.py takes beside."""

    owners = {**TaskSettings.owners, "loss": "loss"}
    problem_types: typing.ClassVar[tuple[str, ...]] = (
        "single_label_classification",
        "multi_label_classification",
        "regression",
    )

    objective: str = setting(
        "sequence_classification",
        "What is learned: sequence_classification, or similarity_regression: vectors of two sentences whose cosine is "
        "the score.",
        as_trained=OF_OBJECTIVE,
    )
    sampling: str = setting(
        "natural",
        "How often training rows of each class come: natural, every row once an epoch; balanced, each class as often; "
        "square_root, between both.",
    )
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
