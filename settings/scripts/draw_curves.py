"""What draw_curves.py takes; checked without numpy."""

import dataclasses
import os

from bertline.errors import InputError
from bertline.processors.files import paths
from bertline.settings.base import PATH, PATHS, Settings, setting
from bertline.training.folder import run_folder


@dataclasses.dataclass(frozen=True, kw_only=True)
class CurveSettings(Settings):
    """The flags of draw_curves.py."""

    runs: str | None = setting(
        None, "Output folders of training scripts, comma-separated; several are drawn beside each other.", holds=PATHS
    )
    output_file: str | None = setting(
        None, "The picture, a .png; by default curves.png in the first folder of --runs.", holds=PATH
    )

    @property
    def target(self):
        """Path of the picture."""
        return self.output_file or os.path.join(folders(self)[0], "curves.png")


def folders(run):
    """The folders of --runs in their order."""
    return paths.parts(run.runs)


def check(run):
    """Raises InputError for a flag that is missing, a folder that is not there, an output that cannot be written."""
    if not run.runs or not folders(run):
        raise InputError("--runs is needed: the output folder of a training script")
    for folder in folders(run):
        if not os.path.isdir(folder):
            raise InputError(f"--runs={folder}: no such folder; give the --output_dir of a training script")
    if not run.target.endswith(".png"):
        raise InputError(f"--output_file={run.target}: a name that ends in .png is needed")
    run_folder.check_writable(os.path.dirname(run.target) or ".")
