"""What run_tagger.py takes."""

import dataclasses
import typing

from bertline.settings.base import OF_OBJECTIVE, setting
from bertline.settings.fine_tuning import TaskSettings
from bertline.settings.owned import with_options


@with_options
@dataclasses.dataclass(frozen=True, kw_only=True)
class TaggerSettings(TaskSettings):
    """What run_tagger.py takes beside."""

    script: typing.ClassVar[str] = "run_tagger.py"

    problem_types: typing.ClassVar[tuple[str, ...]] = ("tags",)
    objective: str = setting("token_classification", "What is learned.", as_trained=OF_OBJECTIVE)
