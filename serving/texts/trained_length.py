"""How long the texts were that a fine-tuned model was trained with."""

import os

from bertline.common import json_files
from bertline.errors import InputError
from bertline.training.folder import run_folder


def trained_length(path, task=None):
    """--max_seq_length of the run that wrote some weights; None where no run did.

    Args:
      path: see `bertline.training.folder.run_folder.run_of`.
      task: of several; one may have a length of its own.
    """
    run = run_folder.run_of(path)
    if run is None:
        return None
    length = run_folder.settings_of(run, task).get("max_seq_length")
    if type(length) is not int or length < 3:
        path = os.path.join(run, run_folder.RUN_CONFIG)
        raise InputError(
            f"{path}: max_seq_length is {json_files.excerpt(length)}, 3 or more is needed; copy the folder again"
        )
    return length
