"""What run_squad.py takes."""

import dataclasses
import typing

from bertline.settings.base import OF_MODEL, OF_OBJECTIVE, setting
from bertline.settings.fine_tuning import TaskSettings
from bertline.settings.owned import with_options


@with_options
@dataclasses.dataclass(frozen=True, kw_only=True)
class SquadSettings(TaskSettings):
    """What run_squad.py takes beside."""

    script: typing.ClassVar[str] = "run_squad.py"

    problem_types: typing.ClassVar[tuple[str, ...]] = ("spans",)
    objective: str = setting("span_extraction", "What is learned.", as_trained=OF_OBJECTIVE)
    max_seq_length: int = setting(
        384,
        "The maximum total input sequence length after tokenization. Longer texts are split into windows.",
        as_trained=OF_MODEL,
    )
