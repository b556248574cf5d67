"""What compare_runs.py takes; checked without numpy."""

import dataclasses
import os

from bertline.errors import InputError
from bertline.processors.files import paths
from bertline.settings import flags
from bertline.settings.base import PATH, PATHS, Settings, setting
from bertline.training.folder import run_folder


@dataclasses.dataclass(frozen=True, kw_only=True)
class ComparisonSettings(Settings):
    """The flags of compare_runs.py."""

    runs: str | None = setting(
        None,
        "Output folders of one task, comma-separated, also of --num_runs, --num_folds or a trial; each is compared "
        "with the first.",
        holds=PATHS,
    )
    output_dir: str | None = setting(
        None,
        "Where comparison.html, comparison.tsv and significance.tsv go; by default the first folder of --runs.",
        holds=PATH,
    )
    num_resamples: int = setting(1000, "Of the paired bootstrap: so many times rows are drawn anew.")
    confidence: float = setting(0.95, "Of the interval of a difference: a number between 0 and 1.")
    seed: int = setting(1, "Of the bootstrap.")

    @property
    def target(self):
        """The folder that is written to."""
        return self.output_dir or folders(self)[0]


def folders(run):
    """The folders of --runs in their order."""
    return [os.path.normpath(one) for one in paths.parts(run.runs or "")]


def check(run):
    """Raises InputError for a flag that is missing, a folder that is not there, an output that cannot be written."""
    found = folders(run)
    if len(found) < 2:
        raise InputError("--runs is needed: two output folders or more, comma-separated")
    for number, folder in enumerate(found):
        if folder in found[:number]:
            raise InputError(f"--runs: {folder} is there twice; leave one out")
        if not os.path.isdir(folder):
            raise InputError(f"--runs={folder}: no such folder; give the --output_dir of a training script")
    flags.check_positive(run, "num_resamples")
    if not 0 < run.confidence < 1:
        raise InputError(f"--confidence={run.confidence}: a number between 0 and 1 is needed, as 0.95")
    if not 0 <= run.seed < 2**31:
        raise InputError(f"--seed={run.seed}: a number from 0 on is needed, below {2**31}")
    run_folder.check_writable(run.target)
