"""Several tasks of a run: from names or a recipe file to the settings of each, or to an error of one line."""

import re

import pytest

from bertline.errors import InputError
from bertline.settings.scripts.run_classifier import ClassifierSettings
from bertline.training.jobs import task_recipe


def plans(tmp_path, text=None, name="tasks.ini", **settings):
    if text is not None:
        (tmp_path / name).write_text(text)
        settings["tasks_file"] = str(tmp_path / name)
    return task_recipe.plans(ClassifierSettings(output_dir="out", do_train=True, **settings))


def test_names_find_their_folders(tmp_path):
    for folder in ("MRPC", "SST-2", "rte", "other"):
        (tmp_path / folder).mkdir()
    found = plans(tmp_path, task_name="MRPC, sst2,rte", data_dir=str(tmp_path))
    assert [(one.name, one.run.task_name, one.run.data_dir) for one in found] == [
        ("mrpc", "mrpc", f"{tmp_path}/MRPC"),
        ("sst2", "sst2", f"{tmp_path}/SST-2"),
        ("rte", "rte", f"{tmp_path}/rte"),
    ]
    with pytest.raises(InputError, match=r"no folder of the task in it; found: MRPC, SST-2, other, rte; --tasks_file"):
        plans(tmp_path, task_name="mrpc,cola", data_dir=str(tmp_path))


RECIPE = {
    "tasks.ini": "[mrpc]\ndata_dir=a\n[mood]\ntask_name=tsv\ndata_dir=b\nweight=0.5\nmetric=f1_macro\n"
    "train_batch_size=4\nhas_header=no\nclass_weights=balanced\n",
    "tasks.toml": '[mrpc]\ndata_dir="a"\n[mood]\ntask_name="tsv"\ndata_dir="b"\nweight=0.5\nmetric="f1_macro"\n'
    'train_batch_size=4\nhas_header=false\nclass_weights="balanced"\n',
}


@pytest.mark.parametrize("name", RECIPE)
def test_a_section_says_what_differs_from_the_run(tmp_path, name):
    mrpc, mood = plans(tmp_path, RECIPE[name], name, train_batch_size=16)
    assert (mrpc.weight, mrpc.metric, mrpc.run.train_batch_size, mrpc.run.class_weights) == (1.0, None, 16, None)
    assert (mood.weight, mood.metric, mood.run.train_batch_size, mood.run.task_name) == (0.5, "f1_macro", 4, "tsv")
    assert mood.run.has_header is False and mood.run.class_weights == "balanced" and mood.run.data_dir == "b"


def test_an_option_of_the_run_is_of_the_sections_that_take_it(tmp_path):
    text = "[mrpc]\ndata_dir=a\n[rte]\ndata_dir=b\nobjective=stochastic_answer\n"
    mrpc, rte = plans(tmp_path, text, answer_steps=3)
    assert (mrpc.run.answer_steps, rte.run.answer_steps) == (ClassifierSettings().answer_steps, 3)
    with pytest.raises(InputError, match="^--label_column is of no use with --task_name=mrpc; it is for"):
        plans(tmp_path, text, label_column="1")
    with pytest.raises(InputError, match=r"tasks.ini \[rte\]: --answer_steps=0: a number above 0"):
        plans(tmp_path, text, answer_steps=0)
    for name, all_tasks in (("tasks.ini", "[all]\nanswer_steps=3\n"), ("tasks.toml", "[all]\nanswer_steps=3\n")):
        quoted = text if name == "tasks.ini" else re.sub("=(.*)", r'="\1"', text)
        again = plans(tmp_path, all_tasks + quoted, name)
        assert [one.run.answer_steps for one in again] == [mrpc.run.answer_steps, 3]
    run = ClassifierSettings(output_dir="out", do_train=True, tasks_file=str(tmp_path / "tasks.ini"), momentum=0.5)
    with pytest.raises(InputError, match="^--momentum is of no use with --optimizer=adamw"):
        task_recipe.check_flags(run)
    with pytest.raises(InputError, match=r"\[mrpc\]: --answer_steps is of no use with --objective=sequence_class"):
        plans(tmp_path, text.replace("[rte]", "answer_steps=3\n[rte]"))


def test_what_is_left_out_takes_its_own_options_with_it(tmp_path):
    text = "[mrpc]\ndata_dir=a\n[sts-b]\ndata_dir=b\nobjective=similarity_regression\n"
    mrpc, near = plans(tmp_path, text, loss="focal", focal_gamma=3.0, windows="mean", window_stride=8)
    assert (mrpc.run.focal_gamma, near.run.loss, near.run.focal_gamma) == (3.0, "cross_entropy", 2.0)
    assert (mrpc.run.window_stride, near.run.windows) == (8, "mean")
    mrpc, near = plans(tmp_path, f"{text}windows=\ntask_name=\ntruncate=\n", windows="mean", window_stride=8)
    assert (mrpc.run.window_stride, near.run.windows, near.run.window_stride) == (8, None, None)
    assert (near.run.task_name, near.run.truncate) == ("sts-b", "head")


@pytest.mark.parametrize("name, nothing", [("tasks.ini", ""), ("tasks.toml", '""')])
def test_an_empty_value_takes_back_what_the_run_says(tmp_path, name, nothing):
    quote = nothing[:1]
    text = f"[mrpc]\ndata_dir={quote}a{quote}\nwindows={nothing}\n[rte]\ndata_dir={quote}b{quote}\n"
    mrpc, rte = plans(tmp_path, text, name, windows="mean")
    assert (mrpc.run.windows, rte.run.windows) == (None, "mean")


def test_the_key_knows_what_shapes_weights(tmp_path):
    def key(lines, **settings):
        return plans(tmp_path, f"[mrpc]\ndata_dir=a\n{lines}", **settings)[0].key()

    assert key("") == key("eval_batch_size=3") == key("weight=1")
    different = {key(lines) for lines in ("", "weight=2", "train_batch_size=4", "class_weights=1,2")}
    assert len(different | {key("", train_batch_size=4)}) == 4


@pytest.mark.parametrize(
    "text, message",
    [
        ("[mrpc]\ndata_dir=a\nepochs=3\n", r"tasks.ini \[mrpc\]: unknown key epochs; known: .*data_dir"),
        ("[mrpc]\ndata_dir=a\n[mrpc]\ndata_dir=b\n", r"tasks.ini:3: section \[mrpc\] is there twice; name each once"),
        ("data_dir=a\n", "tasks.ini: .*no section headers"),
        ("; nothing\n", "tasks.ini: no section in it"),
        ("[a/b]\ntask_name=mrpc\n", r"\[a/b\]: the name 'a/b': letters, numbers"),
        ("[model]\ntask_name=mrpc\n", "no name of a folder of the run"),
        ("[mood]\ndata_dir=a\n", r"\[mood\]: unknown processor 'mood'"),
        ("[mrpc]\nweight=nan\n", "weight = nan: a number above 0"),
        ("[mrpc]\ntrain_batch_size=few\n", "train_batch_size = few: a value of type int"),
        ("[mrpc]\nmetric=beauty\n", "unknown score 'beauty'"),
        ("[mrpc]\nlearning_rate=1\n", "learning_rate is of all tasks together; take it out and give --learning_rate"),
        ("[mrpc]\nlabel_column=1\n", r"\[mrpc\]: --label_column is of no use with --task_name=mrpc"),
    ],
)
def test_what_cannot_be_is_one_line(tmp_path, text, message):
    with pytest.raises(InputError, match=message) as error:
        plans(tmp_path, text)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "settings, message",
    [
        ({"task_name": ","}, "--task_name=,: no name of a task in it"),
        ({"task_name": "mrpc,MRPC"}, "mrpc is there twice"),
        ({"task_name": "sst-2,sst2"}, "sst2 is there twice"),
        ({"task_name": "mrpc,rte", "best_task": "cola"}, "--best_task=cola: no task of this run; its tasks: mrpc, rte"),
    ],
)
def test_names_that_cannot_be(tmp_path, settings, message):
    for name in ("mrpc", "rte", "sst2"):
        (tmp_path / name).mkdir()
    with pytest.raises(InputError, match=message):
        plans(tmp_path, data_dir=str(tmp_path), **settings)


def test_one_task_has_no_choice():
    task_recipe.check_flags(ClassifierSettings(task_name="mrpc", output_dir="out", do_train=True))
    with pytest.raises(InputError, match="--task_sampling is of no use with one task"):
        task_recipe.check_flags(
            ClassifierSettings(task_name="mrpc", output_dir="out", do_train=True, task_sampling="annealed")
        )
