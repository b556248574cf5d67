"""A search with a stand-in for training: trials, their table, the best command, resuming, what diverges or stops."""

import dataclasses
import json
import re
import shlex

import pytest

from bertline.errors import InputError
from bertline.settings.scripts.run_classifier import ClassifierSettings
from bertline.settings.scripts.run_tagger import TaggerSettings
from bertline.settings.search import check
from bertline.training.choosing import search
from bertline.training.choosing.members import Ending
from bertline.training.evaluation import result_files

SCORES = {(1e-5, 8): 0.5, (1e-5, 16): 0.7, (3e-5, 8): 0.9, (3e-5, 16): None}


@pytest.fixture
def no_pictures(monkeypatch):
    """Pictures take seconds."""
    monkeypatch.setattr(search.parallel_coordinates, "write", lambda *args: None)


class Trainer:
    """In the place of training: scores of the rate and the batch size; None diverges."""

    def __init__(self, stops_before=None, scores=SCORES, **ending):
        self.started, self.rules, self.stops_before, self.scores, self.ending = [], [], stops_before, scores, ending

    def __call__(self, run, stop_rule=None):
        name = run.output_dir.rsplit("/", 1)[1]
        if name == self.stops_before:
            raise KeyboardInterrupt
        self.started.append(name)
        self.rules.append(stop_rule)
        assert run.search is run.search_trials is run.search_stop is None and run.records_dir.endswith("/records")
        score = self.scores[run.learning_rate, run.train_batch_size]
        if score is not None:
            found = {"eval_accuracy": score, **({"eval_accuracy_std": 0.01} if run.num_runs > 1 else {})}
            result_files.write_eval_results(f"{run.output_dir}/eval_results.txt", found)
        return Ending(3 if score is None else 0, "eval_accuracy", **self.ending)


def settings(folder, **changes):
    given = {"search": "learning_rate:1e-5,3e-5;train_batch_size:8,16", "task_name": "tsv", **changes}
    return ClassifierSettings(do_train=True, do_eval=True, output_dir=str(folder / "out"), **given)


def run(settings, trainer, key="rows"):
    return search.run_search(settings, check(settings, lambda name: False), key, trainer)


def table(folder):
    return [line.split("\t") for line in (folder / "out" / "search.tsv").read_text().splitlines()]


def test_a_table_of_all_and_the_best_as_a_command(tmp_path, capsys):
    trainer = Trainer()
    assert run(settings(tmp_path, num_runs=2, seed=5), trainer).status == 0
    assert trainer.started == ["trial-1", "trial-2", "trial-3", "trial-4"] and set(trainer.rules) == {None}
    header, *rows = table(tmp_path)
    assert header == ["trial", "learning_rate", "train_batch_size", "eval_accuracy", "deviation", "seconds", "state"]
    assert [row[:5] for row in rows] == [
        ["trial-1", "1e-05", "8", "0.5", "0.01"],
        ["trial-2", "1e-05", "16", "0.7", "0.01"],
        ["trial-3", "3e-05", "8", "0.9", "0.01"],
        ["trial-4", "3e-05", "16", "", ""],
    ]
    assert [row[-1] for row in rows] == ["finished"] * 3 + ["diverged"] and all(float(row[5]) >= 0 for row in rows)
    shown = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in shown[:5]] == ["trial", "trial-3", "trial-2", "trial-1", "trial-4"]
    words = shlex.split((tmp_path / "out" / "best_command.txt").read_text().replace("\\\n", " "))
    assert words[:2] == ["python", "run_classifier.py"] and set(words[2:]) == {
        *("--do_train", "--do_eval", "--task_name=tsv", "--num_runs=2", "--seed=5"),
        *("--learning_rate=3e-05", "--train_batch_size=8", f"--output_dir={tmp_path}/out/best_setting"),
    }
    assert (tmp_path / "out" / "search.png").read_bytes().startswith(b"\x89PNG")


def test_the_command_of_folds_trains_on_all_rows(no_pictures, tmp_path):
    run(settings(tmp_path, num_folds=3, fold_seed=4, do_predict=False), Trainer())
    assert not re.search(
        "--(num_folds|fold_seed|output_dir=.*trial)", (tmp_path / "out" / "best_command.txt").read_text()
    )


def test_a_lower_score_may_be_the_better_one(no_pictures, tmp_path, capsys):
    run(settings(tmp_path), Trainer(lower_is_better=True))
    assert capsys.readouterr().out.splitlines()[1].startswith("trial-1 ")


def test_what_is_finished_is_not_done_again(no_pictures, tmp_path):
    stopped = Trainer(stops_before="trial-3")
    with pytest.raises(KeyboardInterrupt):
        run(settings(tmp_path), stopped)
    assert stopped.started == ["trial-1", "trial-2"] and len(table(tmp_path)) == 3
    before = table(tmp_path)
    trainer = Trainer()
    run(settings(tmp_path), trainer)
    assert trainer.started == ["trial-3", "trial-4"] and table(tmp_path)[:3] == before
    trainer = Trainer()
    run(settings(tmp_path), trainer)
    assert trainer.started == []  # what diverged is a result, too
    other = Trainer()
    run(settings(tmp_path), other, key="other rows")
    assert len(other.started) == 4
    run(settings(tmp_path), Trainer())
    more = Trainer(scores={**SCORES, (5e-5, 8): 0.1, (5e-5, 16): 0.2})
    run(settings(tmp_path, search="learning_rate:1e-5,3e-5,5e-5;train_batch_size:8,16"), more)
    assert more.started == ["trial-5", "trial-6"] and len(table(tmp_path)) == 7


def test_a_signal_ends_the_search_and_the_trial_is_not_finished(tmp_path):
    assert run(settings(tmp_path), lambda run, stop_rule=None: Ending(143)).status == 143
    assert not (tmp_path / "out" / "search.tsv").exists() and not list(tmp_path.rglob("finished.json"))


def test_a_damaged_note_of_the_end_is_one_line(no_pictures, tmp_path):
    run(settings(tmp_path), Trainer())
    note = tmp_path / "out" / "trial-2" / "finished.json"
    note.write_text(json.dumps({**json.loads(note.read_text()), "colour": 1}))
    with pytest.raises(
        InputError, match="trial-2/finished.json: not what a run writes at its end: .*; remove the file"
    ):
        run(settings(tmp_path), Trainer())


def test_trials_that_were_stopped_come_behind_those_that_ended(no_pictures, tmp_path, capsys):
    def start(run, stop_rule=None):
        ending = Trainer()(run)
        assert stop_rule.stopped_at is None
        return dataclasses.replace(ending, stopped_at=6 if run.output_dir.endswith("trial-3") else None)

    run(settings(tmp_path, search_stop="median", eval_steps=2), start)
    assert [row[-1] for row in table(tmp_path)[1:]] == ["finished", "finished", "stopped at step 6", "diverged"]
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()[1:4]] == ["trial-2", "trial-1", "trial-3"]


def test_errors_name_the_trial_and_come_before_the_first_one(tmp_path):
    trainer = Trainer()
    with pytest.raises(
        InputError, match="trial-2 of --search, --learning_rate=-1.0: --learning_rate=-1.0: a number above"
    ):
        run(settings(tmp_path, search="learning_rate:1e-5,-1"), trainer)
    with pytest.raises(
        InputError, match="trial-1 of --search, --focal_gamma=1.0: --focal_gamma is of no use with --loss"
    ):
        run(settings(tmp_path, search="focal_gamma:1,3"), trainer)
    assert trainer.started == [] and list(tmp_path.iterdir()) == []

    def fail(run, stop_rule=None):
        raise InputError("no such layer")

    with pytest.raises(InputError, match="trial-1 of --search, --freeze_layers=9: no such layer"):
        run(settings(tmp_path, search="freeze_layers:9,all"), fail)


def test_all_that_diverge_are_said(tmp_path):
    with pytest.raises(InputError, match="no trial of .* has a score; all diverged"):
        run(settings(tmp_path), Trainer(scores=dict.fromkeys(SCORES)))
    assert len(table(tmp_path)) == 5


def test_a_dry_run_checks_one_and_lists_all(tmp_path, capsys):
    trainer = Trainer()
    run(settings(tmp_path, dry_run=True), trainer)
    assert trainer.started == ["trial-1"] and "trial-4: --learning_rate=3e-05, --train_batch_size=16" in (
        capsys.readouterr().out
    )
    assert not list(tmp_path.rglob("finished.json")) and not list(tmp_path.rglob("search.tsv"))


def test_other_scripts_search_too(no_pictures, tmp_path):
    """Which have no folds."""
    given = {"search": "learning_rate:1e-5,3e-5", "train_batch_size": 8}
    run(
        TaggerSettings(do_train=True, do_eval=True, output_dir=str(tmp_path / "out"), task_name="conll", **given),
        Trainer(),
    )
    assert [row[2] for row in table(tmp_path)[1:]] == ["0.5", "0.9"]
    assert (tmp_path / "out" / "best_command.txt").read_text().startswith("python run_tagger.py ")
