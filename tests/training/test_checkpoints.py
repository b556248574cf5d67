"""Checkpoints of a run: whole or absent, the newest that is there, damage named."""

import pathlib

import keras
import numpy as np
import pytest
import tensorflow as tf

from errors import InputError
from training import checkpoints


class Run:
    """Two weights, a slot, a counter and a data set's iterator."""

    def __init__(self, folder, width=3, names=("a", "b")):
        self.step = tf.Variable(0, dtype=tf.int64)
        self.weights = {name: keras.Variable(np.zeros(width, np.float32)) for name in names}
        self.slots = {"m": {name: tf.Variable(tf.zeros([width])) for name in names}}
        self.best_step = tf.Variable(0, dtype=tf.int64)
        self.iterator = iter(tf.data.Dataset.range(100))
        others = {"iterator": self.iterator, "best_step": self.best_step}
        self.checkpoints = checkpoints.RunCheckpoints(str(folder), self.step, self.weights, self.slots, others)

    def advance(self, steps=1):
        for _ in range(steps):
            drawn = float(next(self.iterator))
            for weight in (*self.weights.values(), *self.slots["m"].values()):
                weight.assign_add(tf.fill([weight.shape[0]], drawn))
            self.step.assign_add(1)
        return self

    def state(self):
        return [int(self.step)] + [w.numpy().tolist() for w in (*self.weights.values(), *self.slots["m"].values())]


def test_everything_comes_back(tmp_path):
    run = Run(tmp_path)
    assert run.checkpoints.latest is None and run.checkpoints.restore() is None
    run.advance(5).checkpoints.save()
    fresh = Run(tmp_path)
    assert fresh.checkpoints.restore() == 5 and fresh.state() == run.state()
    assert fresh.advance(3).state() == run.advance(3).state()  # the data goes on at the same place


def test_the_last_two_are_kept_and_the_older_is_a_way_back(tmp_path):
    run = Run(tmp_path)
    states = {}
    for step in (2, 4, 6):
        run.advance(2).checkpoints.save()
        states[step] = run.state()
    assert sorted(path.name for path in tmp_path.glob("*.index")) == ["model.ckpt-4.index", "model.ckpt-6.index"]
    assert checkpoints.find_latest(str(tmp_path)) == str(tmp_path / "model.ckpt-6")
    for path in tmp_path.glob("model.ckpt-6.*"):
        path.unlink()
    back = Run(tmp_path)
    assert back.checkpoints.restore() == 4 and back.state() == states[4]
    back.advance(2).checkpoints.save()
    assert back.state() == states[6] and Run(tmp_path).checkpoints.restore() == 6


def test_a_folder_that_moved(tmp_path):
    Run(tmp_path / "a").advance(3).checkpoints.save()
    (tmp_path / "a").rename(tmp_path / "b")
    assert Run(tmp_path / "b").checkpoints.restore() == 3


@pytest.mark.parametrize(
    "damage", ("truncated data", "corrupted data", "corrupted index", "no data", "other width", "other names")
)
def test_damage_is_named(tmp_path, damage):
    Run(tmp_path).advance(3).checkpoints.save()
    path = tmp_path / ("model.ckpt-3.index" if "index" in damage else "model.ckpt-3.data-00000-of-00001")
    data = path.read_bytes()
    if damage == "no data":
        path.unlink()
    elif damage.startswith("truncated"):
        path.write_bytes(data[: len(data) // 2])
    elif damage == "corrupted index":
        path.write_bytes(data[:50] + bytes(30) + data[80:])
    elif damage == "corrupted data":
        at = data.index(np.full(3, 3.0, np.float32).tobytes())  # 0 + 1 + 2
        path.write_bytes(data[:at] + b"\xff" + data[at + 1 :])
    run = Run(tmp_path, **{"other width": {"width": 4}, "other names": {"names": ("a", "c")}}.get(damage, {}))
    with pytest.raises(InputError) as error:
        run.checkpoints.restore()
    assert str(error.value).startswith(f"{tmp_path}/model.ckpt-3: damaged, or of another configuration (")
    assert "\n" not in str(error.value)


def test_a_checkpoint_that_cannot_be_written_leaves_the_one_before(tmp_path, monkeypatch):
    run = Run(tmp_path)
    run.advance(2).checkpoints.save()
    before = run.state()

    def full(*_, **__):
        raise tf.errors.ResourceExhaustedError(None, None, "model.ckpt-3.data; No space left on device")

    monkeypatch.setattr(run.checkpoints._manager, "save", full)
    with pytest.raises(
        InputError, match=r"the checkpoint of step 3 cannot be written: .*No space left.*model.ckpt-2 is whole"
    ):
        run.advance().checkpoints.save()
    again = Run(tmp_path)
    assert again.checkpoints.restore() == 2 and again.state() == before


def test_numbers_of_all_kept_checkpoints(tmp_path):
    run = Run(tmp_path)
    for step in (1, 2, 3):
        run.best_step.assign(10 * step)
        run.advance().checkpoints.save()
    assert run.checkpoints.kept("best_step") == {20, 30}


def test_weights_alone(tmp_path):
    run = Run(tmp_path).advance(4)
    for step in (2, 3, 13):
        checkpoints.save_weights(run.weights, str(tmp_path / "best" / f"weights-{step}"))
    checkpoints.remove_weights(str(tmp_path / "best" / "weights-*"), [str(tmp_path / "best" / "weights-3")])
    assert {path.stem for path in (tmp_path / "best").glob("*.index")} == {"weights-3"}
    fresh = Run(tmp_path)
    checkpoints.restore_weights(fresh.weights, str(tmp_path / "best" / "weights-3"))
    assert fresh.state()[1:3] == run.state()[1:3] and fresh.state()[3:] == [[0.0] * 3] * 2
    with pytest.raises(InputError, match="weights-2: the best weights cannot be read"):
        checkpoints.restore_weights(fresh.weights, str(tmp_path / "best" / "weights-2"))


def test_removing_a_run(tmp_path):
    for name in (
        "model.ckpt-3.index",
        "best/weights-2.index",
        "model/config.json",
        "checkpoint",
        "predictions.jsonl",
        "notes.txt",
        "records/x",
    ):
        path = pathlib.Path(tmp_path / name)
        path.parent.mkdir(exist_ok=True)
        path.write_text("x")
    checkpoints.remove_run(str(tmp_path))
    assert (tmp_path / "checkpoint").exists()  # no run_config.json: nobody's run
    (tmp_path / "run_config.json").write_text("{}")
    checkpoints.remove_run(str(tmp_path))
    assert sorted(str(p.relative_to(tmp_path)) for p in tmp_path.rglob("*") if p.is_file()) == [
        "notes.txt",
        "records/x",
    ]


def test_what_a_killed_save_left_is_removed(tmp_path):
    Run(tmp_path).advance(2).checkpoints.save()
    left = tmp_path / "model.ckpt-4_temp"
    left.mkdir()
    (left / "part-00000-of-00001.data-00000-of-00001").write_bytes(b"half")
    assert Run(tmp_path).checkpoints.restore() == 2
    assert not left.exists()
