"""Checkpoints of a run: whole or absent, the newest that is there, damage named."""

import dataclasses
import os
import pathlib
import shutil

import keras
import numpy as np
import pytest
import tensorflow as tf

from bertline.errors import InputError
from bertline.settings.scripts.run_classifier import ClassifierSettings
from bertline.training.folder import checkpoint_files, checkpoints


class Run:
    """Two weights, a slot, a counter and a data set's iterator."""

    def __init__(self, folder, width=3, names=("a", "b"), make_batch=lambda number: number):
        self.step = tf.Variable(0, dtype=tf.int64)
        self.weights = {name: keras.Variable(np.zeros(width, np.float32)) for name in names}
        self.slots = {"m": {name: tf.Variable(tf.zeros([width])) for name in names}}
        self.best_step = tf.Variable(0, dtype=tf.int64)
        self.iterator = iter(tf.data.Dataset.range(100).map(make_batch).prefetch(4))
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


def test_batches_of_another_form_go_on_at_the_same_place(tmp_path):
    """An iterator keeps batches that are made ahead, which no longer fit; its place in the data is found anew."""
    run = Run(tmp_path).advance(5)
    run.checkpoints.save()
    fresh = Run(tmp_path, make_batch=lambda number: tf.cast(number, tf.float64))
    assert fresh.checkpoints.restore() == 5 and fresh.state() == run.state()
    assert fresh.advance(3).state() == run.advance(3).state()
    fresh.checkpoints.save()
    assert Run(tmp_path, make_batch=lambda number: tf.cast(number, tf.float64)).checkpoints.restore() == 8


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


DAMAGE = ("truncated data", "corrupted data", "corrupted index", "empty index", "no data", "no index")


def damage(folder, kind, step=3):
    path = folder / f"model.ckpt-{step}.{'index' if 'index' in kind else 'data-00000-of-00001'}"
    data = path.read_bytes()
    if kind.startswith("no "):
        path.unlink()
    elif kind.startswith("empty"):
        path.write_bytes(b"")
    elif kind.startswith("truncated"):
        path.write_bytes(data[: len(data) // 2])
    elif kind == "corrupted index":
        path.write_bytes(data[:50] + bytes(30) + data[80:])
    else:
        at = data.index(np.full(3, 3.0, np.float32).tobytes())  # 0 + 1 + 2
        path.write_bytes(data[:at] + b"\xff" + data[at + 1 :])


@pytest.mark.parametrize("kind", DAMAGE[:-1])
def test_damage_is_named_where_there_is_no_other_checkpoint(tmp_path, kind):
    Run(tmp_path).advance(3).checkpoints.save()
    damage(tmp_path, kind)
    with pytest.raises(InputError) as error:
        Run(tmp_path).checkpoints.restore()
    message = str(error.value)
    assert message.startswith(f"{tmp_path}/model.ckpt-3") and "\n" not in message
    assert message.endswith("there is no whole checkpoint before it; give another --output_dir to train anew")
    assert "remove" not in message and "overwrite" not in message
    assert list(tmp_path.glob("model.ckpt-3.*"))


@pytest.mark.parametrize("kind", DAMAGE)
def test_of_two_checkpoints_the_whole_one_is_used(tmp_path, kind, caplog):
    run = Run(tmp_path).advance(2)
    run.checkpoints.save()
    before = run.state()
    run.advance().checkpoints.save()
    wanted = run.state()
    damage(tmp_path, kind)
    again = Run(tmp_path)
    assert again.checkpoints.restore() == 2 and again.state() == before
    assert "model.ckpt-2 is used" in caplog.text and "model.ckpt-3" in caplog.text
    again.advance().checkpoints.save()
    assert again.state() == wanted and Run(tmp_path).checkpoints.restore() == 3


@pytest.mark.parametrize("other", ({"width": 4}, {"names": ("a", "c")}))
def test_a_checkpoint_of_another_model_is_named(tmp_path, other):
    for _ in range(2):
        Run(tmp_path).advance(3).checkpoints.save()
    with pytest.raises(InputError, match="^[^\n]*model.ckpt-3: of another configuration [^\n]*$"):
        Run(tmp_path, **other).checkpoints.restore()


@pytest.mark.parametrize(
    "content, words",
    [
        (b"", "names no checkpoint"),
        (b'model_checkpoint_path: "\xff"\n', "not what TensorFlow writes there"),
        (b"hello\n", "not what TensorFlow writes there"),
        (b'model_checkpoint_path: "model.ckpt-9"\n', "names model.ckpt-9, which is not there whole"),
        (b'model_checkpoint_path: "/elsewhere/foreign-3"\n', "names foreign-3, which is not there whole"),
        (None, "missing"),
    ],
)
def test_the_newest_whole_one_is_used_where_the_file_checkpoint_says_none(tmp_path, content, words, caplog, capfd):
    run = Run(tmp_path)
    for _ in range(2):
        run.advance(5).checkpoints.save()
    path = tmp_path / "checkpoint"
    path.unlink() if content is None else path.write_bytes(content)
    again = Run(tmp_path)
    assert again.checkpoints.latest == str(tmp_path / "model.ckpt-10")
    assert again.checkpoints.restore() == 10 and again.state() == run.state()
    assert f"{path}: {words}; model.ckpt-10 is used" in caplog.text
    assert capfd.readouterr().err == ""
    again.advance().checkpoints.save()
    assert tf.train.latest_checkpoint(tmp_path) == str(tmp_path / "model.ckpt-11")


def test_the_file_checkpoint_may_name_the_older_one(tmp_path):
    """As it does where a run was killed just before it would have named the newer one."""
    run = Run(tmp_path)
    for _ in range(2):
        run.advance(5).checkpoints.save()
    (tmp_path / "checkpoint").write_text(f'model_checkpoint_path: "{tmp_path}/model.ckpt-5"')
    again = Run(tmp_path)
    assert again.checkpoints.restore() == 5
    again.advance(5).checkpoints.save()
    assert again.state() == run.state()


ODD = ("run[1]", "a b, c*", "what?", "back\\slash", "ü☃ {b}'\"")


@pytest.mark.slow
@pytest.mark.parametrize("name", ODD)
def test_a_folder_of_any_name(tmp_path, name):
    folder, beside = tmp_path / name, tmp_path / "run1"
    for place in (folder, beside):
        run = Run(place)
        for _ in range(3):
            run.advance().checkpoints.save()
        checkpoints.save_weights(run.weights, str(place / "best" / "weights-3"))
    # Where the name is taken for a pattern it stands for the other folder.
    files = sorted(path.name for path in beside.glob("model*"))
    again = Run(folder)
    assert again.checkpoints.restore() == 3 and again.state() == run.state()
    assert again.checkpoints.values_of("best_step") == {0}
    for _ in range(2):
        again.advance().checkpoints.save()
    assert sorted(path.name for path in beside.glob("model*")) == files
    assert sorted(os.listdir(folder)) == [
        "best",
        "checkpoint",
        *(f"model.ckpt-{i}.{end}" for i in (4, 5) for end in ("data-00000-of-00001", "index")),
    ]
    checkpoints.restore_weights(again.weights, str(folder / "best" / "weights-3"))
    assert again.state()[1:3] == run.state()[1:3]


def test_nothing_is_named_before_it_is_on_the_disk(tmp_path, monkeypatch):
    """A power cut may lose what was not synchronized: of a file its bytes, of a folder its names."""
    events = []

    def noted(module, name, show):
        do = getattr(module, name)
        monkeypatch.setattr(module, name, lambda *args: (events.append(show(*args)), do(*args))[1])

    def end(path):
        return os.path.basename(path).rpartition("model.ckpt-1")[2]

    noted(checkpoint_files, "sync", lambda path: f"sync {end(path)}")
    noted(checkpoint_files, "sync_folder", lambda path: "sync folder")
    noted(os, "replace", lambda old, new: f"name {end(new) or os.path.basename(new)}")
    Run(tmp_path).advance().checkpoints.save()
    data, index = ".data-00000-of-00001", ".index"
    assert events == [
        f"sync {data}",
        f"sync {index}",
        f"name {data}",
        "sync folder",
        f"name {index}",
        "sync folder",
        "name checkpoint",
    ]


def test_a_checkpoint_that_cannot_be_written_leaves_the_one_before(tmp_path, monkeypatch):
    run = Run(tmp_path)
    run.advance(2).checkpoints.save()
    before = run.state()

    def full(*_, **__):
        raise tf.errors.ResourceExhaustedError(None, None, "model.ckpt-3.data; No space left on device")

    monkeypatch.setattr(run.checkpoints._checkpoint, "write", full)
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
    assert run.checkpoints.values_of("best_step") == {20, 30}


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
    kept = ["notes.txt", "records/x"]
    for name in ("best/weights-2.index", "model/config.json", "predictions.jsonl", *kept):
        path = pathlib.Path(tmp_path / name)
        path.parent.mkdir(exist_ok=True)
        path.write_text("x")
    checkpoints.remove_run(str(tmp_path))
    assert (tmp_path / "predictions.jsonl").exists()  # no run_config.json: nobody's run
    Run(tmp_path).advance(3).checkpoints.save()
    Run(tmp_path).advance(4).checkpoints.save()
    damage(tmp_path, "empty index", 4)
    (tmp_path / "run_config.json").write_text("{}")
    checkpoints.remove_run(str(tmp_path))
    assert sorted(str(p.relative_to(tmp_path)) for p in tmp_path.rglob("*") if p.is_file()) == kept


def test_what_a_killed_save_left_is_removed(tmp_path):
    Run(tmp_path).advance(2).checkpoints.save()
    left = tmp_path / "model.ckpt-4_temp"
    left.mkdir()
    (left / "part-00000-of-00001.data-00000-of-00001").write_bytes(b"half")
    half = tmp_path / "best" / "weights-4_temp"
    half.mkdir(parents=True)
    assert Run(tmp_path).checkpoints.restore() == 2
    assert not left.exists() and not half.exists()


@pytest.fixture
def foreign(tmp_path, golden_dir):
    """A folder that the original trained in for 343 steps."""
    for path in golden_dir.glob("tiny_bert/bert_model.ckpt.*"):
        shutil.copyfile(path, tmp_path / path.name.replace("bert_model.ckpt", "model.ckpt-343"))
    for name in ("graph.pbtxt", "model.ckpt-343.meta", "eval/events.out.tfevents.1.host"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x")
    (tmp_path / "checkpoint").write_text('model_checkpoint_path: "model.ckpt-343"\n')
    return tmp_path


def settings(folder, **changes):
    return dataclasses.replace(ClassifierSettings(output_dir=str(folder), task_name="cola"), **changes)


def contents(folder):
    return {path: path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_a_checkpoint_is_known_by_its_content(foreign):
    prefix, run = str(foreign / "model.ckpt-343"), foreign / "run"
    ours = Run(run)
    ours.step.assign(343)
    ours.checkpoints.save()
    assert checkpoints.is_foreign(prefix) and not checkpoints.is_own(prefix)
    assert checkpoints.is_own(str(run / "model.ckpt-343")) and not checkpoints.is_foreign(str(run / "model.ckpt-343"))
    tf.train.Checkpoint(step=tf.Variable(1), model=tf.Variable(2.0)).write(str(run / "keras"))  # of Model Garden
    assert checkpoints.is_foreign(str(run / "keras"))
    assert checkpoints.foreign_run(str(foreign)) == prefix and checkpoints.find_latest(str(foreign)) is None
    assert checkpoints.foreign_run(str(run)) is None
    damage(foreign, "empty index", 343)
    assert not checkpoints.is_foreign(prefix) and not checkpoints.is_own(prefix)


@pytest.mark.parametrize("state", (None, b"", b'model_checkpoint_path: "/home/somebody/mrpc/model.ckpt-343"'))
def test_another_programs_run_is_no_run_of_ours(foreign, state):
    path = foreign / "checkpoint"
    path.unlink() if state is None else path.write_bytes(state)
    before = contents(foreign)
    with pytest.raises(InputError) as error:
        checkpoints.check_start(str(foreign), settings(foreign))
    assert str(error.value) == (
        f"{foreign} holds a run of another program (model.ckpt-343); give another --output_dir; "
        f"--init_checkpoint={foreign}/model.ckpt-343 starts from its weights"
    )
    assert contents(foreign) == before


def test_weights_that_lie_in_a_folder_are_no_run(tmp_path, golden_dir):
    for path in golden_dir.glob("tiny_bert/bert_model.ckpt.*"):
        shutil.copyfile(path, tmp_path / path.name)
    checkpoints.check_start(str(tmp_path), settings(tmp_path))
    assert checkpoints.foreign_run(str(tmp_path)) is None


@pytest.mark.parametrize("start", (None, "model.ckpt-343", "model.ckpt-343.index", ""))
def test_overwriting_never_touches_another_programs_checkpoints(foreign, start):
    before = contents(foreign)
    given = settings(foreign, overwrite_output_dir=True, init_checkpoint=start and str(foreign / start))
    checkpoints.check_start(str(foreign), given)
    checkpoints.remove_run(str(foreign))
    assert contents(foreign) == before
    run = Run(foreign)
    assert run.checkpoints.restore() is None
    for step in (342, 1, 1, 1):
        run.advance(0)
        run.step.assign_add(step)
        run.checkpoints.save()
    for path, content in before.items():
        assert path.name == "checkpoint" or path.read_bytes() == content
    assert Run(foreign).checkpoints.restore() == 345
    assert checkpoints.foreign_run(str(foreign)) is None  # a run of ours is there
    (foreign / "run_config.json").write_text("{}")
    checkpoints.check_start(str(foreign), given)
    checkpoints.remove_run(str(foreign))
    assert {**contents(foreign), foreign / "checkpoint": b""} == {**before, foreign / "checkpoint": b""}


def test_the_checkpoint_of_a_step_that_another_program_has(foreign):
    run = Run(foreign)
    run.step.assign(343)
    run.checkpoints.save()
    assert run.checkpoints.latest == str(foreign / "model.ckpt-bertline-343")
    assert checkpoints.is_foreign(str(foreign / "model.ckpt-343"))
    assert Run(foreign).checkpoints.restore() == 343


@pytest.mark.parametrize("start", ("out", "out/", "out/model", "out/model.ckpt-3", "link", "link/model", "linked.ckpt"))
def test_the_weights_to_start_from_are_not_overwritten(tmp_path, monkeypatch, start):
    monkeypatch.chdir(tmp_path)
    Run("out").advance(3).checkpoints.save()
    (tmp_path / "out" / "model").mkdir()
    (tmp_path / "link").symlink_to("out")
    (tmp_path / "linked.ckpt.index").symlink_to("out/model.ckpt-3.index")
    for folder in ("out", str(tmp_path / "out"), "link"):
        with pytest.raises(InputError, match=f"would remove --init_checkpoint={start}"):
            checkpoints.check_start(folder, settings(folder, overwrite_output_dir=True, init_checkpoint=start))
    for other in ("output", "other", "other/out", "https://tfhub.dev/out", None):
        checkpoints.check_start("out", settings("out", overwrite_output_dir=True, init_checkpoint=other))


def test_an_output_folder_that_is_removed_meanwhile_is_said(tmp_path):
    run = Run(tmp_path / "run").advance()
    run.checkpoints.save()
    shutil.rmtree(tmp_path / "run")
    with pytest.raises(InputError, match="run: the folder was removed or moved while"):
        run.advance().checkpoints.save()
    assert not (tmp_path / "run").exists()
