"""Several runs under a folder, one after the other: folds, trials. What is finished is not done again."""

import dataclasses
import glob
import json
import logging
import os
import re
import shutil
import time

from bertline.common import json_files
from bertline.common.files import replace_file
from bertline.errors import InputError
from bertline.training.evaluation import summary
from bertline.training.folder import run_folder

FINISHED = "finished.json"  # in the folder of a member
OVERWRITING = "overwriting"  # in the folder above: a command with --overwrite_output_dir is at work
_MEND = "remove the file, and the run is looked at again"


@dataclasses.dataclass(frozen=True)
class Ending:
    """How a run, or several ones under a folder, ended.

    Attributes:
      status: the exit status.
      score, lower_is_better: name in eval_results.txt of the score that runs are compared by; None where it is unknown.
      stopped_at: the step where a rule stopped it as hopeless; None: it went to its end.
      seconds: that the attempt took which ended it; of several runs, their sum.
    """

    status: int
    score: str | None = None
    lower_is_better: bool = False
    stopped_at: int | None = None
    seconds: float = 0.0


@dataclasses.dataclass(frozen=True)
class Member:
    """Attributes:
    name: of its folder.
    settings: TaskSettings, whose output_dir is that folder.
    start: settings -> Ending; it goes on with what the folder holds.
    key: hash of the rows that it trains on and is scored on; of other ones it is not finished.
    """

    name: str
    settings: object
    start: object
    key: str


def run_in_turn(output_dir, members, results=(0,), ends_together=False):
    """Yields (Member, Ending) of each, as it ends; who stops asking stops the rest.

    The folder is this command's alone meanwhile. A member that an earlier command finished with the same settings is
    not run again. One with another exit status than those of `results` ends it all.

    Args:
      members: list of Member. Their settings say by `overwrite_output_dir` whether all begins anew.
      results: exit statuses that are a result of a member, so that it is finished.
      ends_together: whether a member that a rule has stopped is the last one.
    """
    first = members[0]
    with run_folder.lock(output_dir):
        if first.settings.dry_run:
            yield first, first.start(first.settings)
            return
        if first.settings.overwrite_output_dir:
            _begin_overwriting(output_dir, members)
        for number, member in enumerate(members, 1):
            logging.info("***** %s (%d of %d) *****", member.name, number, len(members))
            ending = _find_finished(member)
            if ending:
                logging.info("%s is finished", member.settings.output_dir)
            else:
                ending = _run(member, results)
            yield member, ending
            if ending.status not in results:
                return
            if ends_together and ending.stopped_at is not None:
                break
        _remove(os.path.join(output_dir, OVERWRITING))


def results_of(folder):
    """name -> float or str of a folder's eval_results.txt."""
    return summary.read(os.path.join(folder, "eval_results.txt"))


def scores_of(folder):
    """name -> float of a folder's eval_results.txt, means where it is of several runs."""
    return summary.scores_of(results_of(folder))


def _run(member, results):
    begun = time.monotonic()
    ending = member.start(member.settings)
    # Of folds, some of which an earlier attempt has finished, it knows the sum.
    ending = dataclasses.replace(ending, seconds=max(ending.seconds, time.monotonic() - begun))
    if ending.status in results:
        _write_finished(member, ending)
    return ending


def _write_finished(member, ending):
    os.makedirs(member.settings.output_dir, exist_ok=True)
    with replace_file(_path(member)) as unfinished, open(unfinished, "w", encoding="utf-8") as file:
        json.dump({**_identity(member), **dataclasses.asdict(ending)}, file, indent=2, sort_keys=True)


def _find_finished(member):
    """The Ending that a member's folder has of these very settings; None: there is none."""
    if not os.path.exists(_path(member)):
        return None
    saved = json_files.read(_path(member), mend=_MEND)
    if {name: saved.pop(name, None) for name in _identity(member)} != _identity(member):
        return None  # its run says what cannot be another one
    try:
        return Ending(**saved)
    except TypeError as error:
        raise InputError(f"{_path(member)}: not what a run writes at its end: {error}; {_MEND}") from None


def _identity(member):
    """What a member is known again by, as JSON has it. Whether all begins anew is said by the folder above."""
    settings = {**dataclasses.asdict(member.settings), "overwrite_output_dir": False}
    return json.loads(json.dumps({"settings": settings, "data": member.key}))


def _path(member):
    return os.path.join(member.settings.output_dir, FINISHED)


def _begin_overwriting(output_dir, members):
    """Forgets what earlier commands finished, once: the same command, given again after a stop, goes on."""
    marker = os.path.join(output_dir, OVERWRITING)
    if os.path.exists(marker):
        return
    wanted = {member.name for member in members}
    kind = re.sub(r"\d+$", "", members[0].name)
    for path in glob.glob(os.path.join(glob.escape(output_dir), f"{glob.escape(kind)}*", FINISHED)):
        folder = os.path.dirname(path)
        if os.path.basename(folder) in wanted:
            os.remove(path)
        else:  # a longer list of members had it
            shutil.rmtree(folder)
    with replace_file(marker):
        pass


def _remove(path):
    if os.path.exists(path):
        os.remove(path)
