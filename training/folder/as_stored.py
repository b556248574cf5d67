"""Options that say which weights a head has: training goes on with those of the checkpoint."""

import dataclasses
import logging

from bertline import registry
from bertline.modeling.configuration.head_fields import OBJECTIVE
from bertline.training.folder import run_folder
from bertline.weights.load_save import open_weights


def as_stored(run, given):
    """The settings of a run from --init_checkpoint, completed by what its files say of the head.

    An objective names such options (`Objective.options_of_weights`). Where a run wrote the weights and nothing is
    trained, `as_trained` has taken all of its settings.

    Args:
      run: PretrainingSettings. given: name -> whether the command line names the setting; that is obeyed.

    Returns:
      The settings to go on with; as they are where the weights are those of another objective or say nothing.

    Raises:
      InputError: the checkpoint cannot be read.
    """
    names = registry.literals("objective", "options_of_weights").get(run.objective, ())
    if not (names and run.init_checkpoint) or (not run.do_train and run_folder.source_run(run)):
        return run
    said = (open_weights(run.init_checkpoint).config or {}).get(OBJECTIVE, {})
    stored = said.get("options", {}) if said.get("name") == run.objective else {}
    different = {name: stored[name] for name in names if name in stored and stored[name] != getattr(run, name)}
    taken = {name: value for name, value in different.items() if not given(name)}
    for name, value in different.items():
        here = "taken" if name in taken else f"here it is {getattr(run, name)}, as given"
        logging.info("%s has --%s=%s: %s", run.init_checkpoint, name, value, here)
    return dataclasses.replace(run, **taken)
