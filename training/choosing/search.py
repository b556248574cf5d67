"""--search: a run for each setting, a table of their scores, and the command of the best one."""

import dataclasses
import functools
import logging
import os

from bertline.common import table_lines
from bertline.errors import EXIT_DIVERGED, InputError, naming
from bertline.training.choosing import members
from bertline.training.choosing.median_stop import MedianStop
from bertline.training.evaluation import result_files
from bertline.training.jobs import task_files, task_recipe
from bertline.training.pictures import parallel_coordinates
from bertline.training.reporting import model_card

TABLE, COMMAND, PICTURE = "search.tsv", "best_command.txt", "search.png"
RESULTS = (0, EXIT_DIVERGED)  # a rate at which training diverges is a result too


@dataclasses.dataclass(frozen=True)
class Trial:
    """Attributes:
    name: of its folder. values: name of a setting -> value. settings: of its run. ending: a members.Ending.
    mean, deviation: of the score over the seeds or folds; None where there is none.
    """

    name: str
    values: dict
    settings: object
    ending: object
    mean: float | None
    deviation: float | None

    @property
    def state(self):
        """What the table says of its end."""
        if self.ending.status == EXIT_DIVERGED:
            return "diverged"
        return "finished" if self.ending.stopped_at is None else f"stopped at step {self.ending.stopped_at}"


def run_search(settings, trials, key, start):
    """Runs all trials that are not finished, and writes search.tsv after each.

    Args:
      settings: TaskSettings with --search. trials: name -> value, of each trial.
      key: hash of the rows.
      start: (settings, stop_rule=) -> members.Ending.

    Returns:
      The members.Ending of the last one that ran; that of the search where all did.

    Raises:
      InputError: a trial that cannot run; no trial has a score.
    """
    named = {f"trial-{number}": values for number, values in enumerate(trials, 1)}
    runs = [_member(settings, name, list(named), values, key, start) for name, values in named.items()]
    logging.info("--search: %d settings of %s", len(trials), ", ".join(trials[0]))
    done, ending = [], None
    for member, ending in members.run_in_turn(settings.output_dir, runs, RESULTS):
        if settings.dry_run:
            print("".join(f"{name}: {_as_flags(values)}\n" for name, values in named.items()), end="")
        if settings.dry_run or ending.status not in RESULTS:
            return ending
        done.append(_trial(member, named[member.name], ending))
        write_table(settings.output_dir, done)
    _conclude(settings, done)
    return dataclasses.replace(ending, status=0)


def _member(settings, name, names, values, key, start):
    """The Member of a trial. Raises InputError for settings that no run can have."""
    folder = os.path.join(settings.output_dir, name)
    own = dataclasses.replace(
        settings,
        **values,
        output_dir=folder,
        records_dir=settings.records_dir or os.path.join(settings.output_dir, "records"),
        search=None,
        search_trials=None,
        search_stop=None,
    )
    about_trial = naming(f"{name} of --search, {_as_flags(values)}")
    about_trial(task_recipe.check_flags)(task_files.with_task(own))
    if settings.search_stop:
        before = [os.path.join(settings.output_dir, one) for one in names[: names.index(name)]]
        start = functools.partial(start, stop_rule=MedianStop(folder, before))
    return members.Member(name, own, about_trial(start), key)


def _as_flags(values):
    return ", ".join(f"--{name}={value}" for name, value in values.items())


def _trial(member, values, ending):
    """The Trial, with the scores that its folder has."""
    found = {} if ending.status else members.results_of(member.settings.output_dir)
    mean, deviation = found.get(ending.score), found.get(f"{ending.score}_std")
    return Trial(member.name, values, member.settings, ending, mean, deviation)


def sort_by_score(trials):
    """The trials by their means; those that went to their end first, those without a score last."""

    def key(trial):
        sign = 1.0 if trial.ending.lower_is_better else -1.0
        return trial.mean is None, trial.ending.stopped_at is not None, 0.0 if trial.mean is None else sign * trial.mean

    return sorted(trials, key=key)


def write_table(output_dir, trials):
    """search.tsv, in the order of the trials. Returns the rows, best first, with a header."""
    score = next((trial.ending.score for trial in trials if trial.ending.score), "score")
    header = ["trial", *trials[0].values, score, "deviation", "seconds", "state"]
    result_files.write_lines(
        os.path.join(output_dir, TABLE), map(table_lines.line, [header, *(_cells(trial) for trial in trials)])
    )
    return [header, *(_cells(trial) for trial in sort_by_score(trials))]


def _cells(trial):
    numbers = ["" if one is None else f"{one:.6g}" for one in (trial.mean, trial.deviation)]
    return [trial.name, *map(str, trial.values.values()), *numbers, f"{trial.ending.seconds:.1f}", trial.state]


def _conclude(settings, trials):
    """Shows the table, best first, and the command of the best setting; draws the picture."""
    rows = write_table(settings.output_dir, trials)
    print(table_lines.align(rows))
    best = sort_by_score(trials)[0]
    if best.mean is None:
        raise InputError(f"--search: no trial of {settings.output_dir} has a score; all diverged: lower the rates")
    # What folds have chosen is trained on all rows.
    whole = {"num_folds": None, "fold_seed": 1} if hasattr(settings, "num_folds") else {}
    again = dataclasses.replace(
        best.settings,
        **whole,
        output_dir=os.path.join(settings.output_dir, "best_setting"),
        records_dir=settings.records_dir,
        overwrite_output_dir=False,
    )
    command = model_card.command(again)
    result_files.write_lines(os.path.join(settings.output_dir, COMMAND), [command])
    parallel_coordinates.write(os.path.join(settings.output_dir, PICTURE), trials, best.ending.score)
    print(
        f"best: {best.name}, {_as_flags(best.values)}; its model is in {best.settings.output_dir}. As one command:",
        command,
        sep="\n",
    )
