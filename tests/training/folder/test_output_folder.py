"""An output folder while runs of this process are at work in it: one command's, of any name, and still there."""

import os
import shutil

import pytest
from one_run import fine_tuning

from bertline.errors import InputError
from bertline.training.folder import checkpoints


@pytest.fixture
def run(whole_run):
    return whole_run[0]


def names(folder):
    return sorted(os.listdir(folder))


@pytest.mark.slow
def test_a_folder_of_any_name(run, classifier, caplog):
    caplog.set_level("INFO")
    assert fine_tuning(classifier, run, save_checkpoints_steps=3).run() == 0
    assert f"{run} is a finished run, at step 4" in caplog.text and "; model.ckpt" not in caplog.text
    assert fine_tuning(classifier, run, do_train=False).run() == 0
    last = [name for name in names(run) if name.endswith(".index")]
    assert last == ["model.ckpt-3.index", "model.ckpt-4.index"]


@pytest.mark.slow
def test_nothing_is_left_of_the_lock_nor_of_temporary_files(run):
    assert [name for folder, _, files in os.walk(run) for name in files if name.startswith(".")] == []


def test_a_second_command_is_refused_from_the_first_check_on_and_changes_nothing(classifier, tmp_path):
    out = tmp_path / "new" / "out"
    first = fine_tuning(classifier, out)
    before = names(out)
    for changes in ({}, {"do_train": False}, {"overwrite_output_dir": True}, {"seed": 3}):
        with pytest.raises(InputError, match=f"--output_dir={out}: another command is at work there"):
            fine_tuning(classifier, out, **changes)
    assert names(out) == before == [".lock"]
    del first  # as a process that ends
    with pytest.raises(InputError, match="none"):
        fine_tuning(classifier, out, optimizer="none")
    fine_tuning(classifier, out)


def test_a_check_that_fails_makes_no_folder(classifier, tmp_path):
    with pytest.raises(InputError, match="none"):
        fine_tuning(classifier, tmp_path / "new" / "out", optimizer="none")
    assert names(tmp_path) == []


def test_each_seed_has_its_folder_to_itself(classifier, tmp_path):
    several = fine_tuning(classifier, tmp_path, num_runs=2, seed=5)
    with pytest.raises(InputError, match="run-6: another command is at work there"):
        fine_tuning(classifier, tmp_path / "run-6")
    del several


@pytest.mark.slow
def test_a_folder_that_is_removed_while_it_is_trained_in_is_said(classifier, tmp_path, monkeypatch):
    out, save = tmp_path / "out", checkpoints.RunCheckpoints.save

    def removed_first(self):
        shutil.rmtree(out)
        save(self)

    monkeypatch.setattr(checkpoints.RunCheckpoints, "save", removed_first)
    with pytest.raises(InputError, match=f"^{out}: the folder was removed or moved while this command wrote to it"):
        fine_tuning(classifier, out).run()
    assert names(tmp_path) == []


@pytest.mark.slow
@pytest.mark.parametrize("verb", ("do_eval", "do_predict"))
def test_a_folder_that_is_removed_while_it_predicts_is_said(run, classifier, tmp_path, monkeypatch, verb):
    out = tmp_path / "out"
    shutil.copytree(run, out)
    found = fine_tuning(classifier, out, **{"do_train": False, "do_eval": False, "do_predict": False, verb: True})
    prepare = found._data.prepare
    monkeypatch.setattr(found._data, "prepare", lambda: (prepare(), out.rename(tmp_path / "elsewhere")))
    with pytest.raises(InputError, match=f"^{out}: the folder was removed or moved while this command wrote to it"):
        found.run()
    assert names(tmp_path) == ["elsewhere"]
