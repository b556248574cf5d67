"""run_classifier.py on several tasks, killed twice and given again: the weights of a run that nothing disturbed."""

import re
import signal

import pytest
import small_tasks
from running import Script

pytestmark = [pytest.mark.slow, pytest.mark.long]


@pytest.fixture(scope="module")
def flags(tmp_path_factory):
    data = small_tasks.write_tasks(tmp_path_factory.mktemp("data"))
    start = small_tasks.start_folder(tmp_path_factory.mktemp("start"), hidden_dropout_prob=0.1)
    given = {
        "tasks_file": data / "both.ini",
        "init_checkpoint": start,
        "task_sampling": "annealed",
        "num_train_epochs": 30,
        "train_batch_size": 4,
        "max_seq_length": 16,
        "save_checkpoints_steps": 10,
        "eval_steps": 30,
        "num_processes": 1,
        "terms": "r_drop",
    }
    return [*(f"--{name}={value}" for name, value in given.items()), "--do_train", "--do_eval", "--keep_best"]


def reached(folder, step):
    """Whether a checkpoint of that step, or a later one, is there."""
    found = (re.fullmatch(r"model\.ckpt-(\d+)\.index", path.name) for path in folder.glob("model.ckpt-*.index"))
    return any(match and int(match[1]) >= step for match in found)


def test_the_same_bits(flags, tmp_path):
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    assert Script("run_classifier.py", [*flags, f"--output_dir={whole}"], tmp_path / "0").wait() == 0
    for number, step in enumerate((20, 90), 1):
        script = Script("run_classifier.py", [*flags, f"--output_dir={killed}"], tmp_path / str(number))
        script.wait_for(lambda step=step: reached(killed, step))
        script.send(signal.SIGKILL)
        assert script.wait() == -signal.SIGKILL, script.stderr[-500:]
    last = Script("run_classifier.py", [*flags, f"--output_dir={killed}"], tmp_path / "last")
    assert last.wait() == 0, last.stderr[-500:]
    for name in ("model/model.safetensors", "eval_results.txt", "hue/eval_results.txt", "near/eval_results.txt"):
        assert (killed / name).read_bytes() == (whole / name).read_bytes(), name
