"""Which settings --search tries: all combinations, some at random, numbers of a range; nonsense is refused."""

import dataclasses
import itertools

import pytest

from bertline.errors import InputError
from bertline.settings import search
from bertline.settings.scripts.run_classifier import ClassifierSettings

RUN = ClassifierSettings(do_train=True, do_eval=True, output_dir="out", seed=7)


def trials(text, given=(), **changes):
    return search.check(dataclasses.replace(RUN, search=text, **changes), lambda name: name in given)


def test_all_combinations():
    found = trials(" learning_rate: 1e-5,3e-5 ; --num_train_epochs:2,3,4;optimizer:adamw,lamb;keep_best:true,false;")
    names = ("learning_rate", "num_train_epochs", "optimizer", "keep_best")
    wanted = itertools.product([1e-5, 3e-5], [2.0, 3.0, 4.0], ["adamw", "lamb"], [True, False])
    assert found == [dict(zip(names, one)) for one in wanted]
    assert type(trials("train_batch_size:8")[0]["train_batch_size"]) is int
    assert trials("terms:,r_drop") == [{"terms": ""}, {"terms": "r_drop"}]


def test_some_at_random_are_of_the_grid_and_more_of_them_go_on():
    text = "learning_rate:1e-5,2e-5,3e-5;train_batch_size:8,16,32"
    grid = trials(text)
    five, all_of_them = trials(text, search_trials=5), trials(text, search_trials=99)
    assert all_of_them[:5] == five and five != grid[:5] and five != trials(text, search_trials=5, seed=8)
    assert sorted(map(str, all_of_them)) == sorted(map(str, grid))


def test_numbers_of_a_range():
    text = "learning_rate:1e-5..1e-3;train_batch_size:4..6;weight_decay:0..1;optimizer:adamw,lamb"
    found = trials(text, search_trials=200)
    rates = sorted(one["learning_rate"] for one in found)
    assert 1e-5 <= rates[0] and rates[-1] <= 1e-3 and all(float(f"{rate:.3g}") == rate for rate in rates)
    assert 7e-5 < rates[100] < 1.5e-4  # the middle of the logarithms is 1e-4
    decays = sorted(one["weight_decay"] for one in found)
    assert 0.4 < decays[100] < 0.6 and 0 <= decays[0] and decays[-1] <= 1
    assert {one["train_batch_size"] for one in found} == {4, 5, 6} and {one["optimizer"] for one in found} == {
        "adamw",
        "lamb",
    }
    assert trials(text, search_trials=3) == found[:3]
    few = trials("train_batch_size:1..3", search_trials=9)
    assert sorted(one["train_batch_size"] for one in few) == [1, 2, 3]


@pytest.mark.parametrize(
    "text, message",
    [
        ("learnin_rate:1e-5", "no flag is called learnin_rate; did you mean learning_rate?"),
        ("zzz:1", "no flag is called zzz; --help lists the flags"),
        ("learning_rate", "'learning_rate': a flag, a colon and values are needed, as --search='learning_rate:1e-5"),
        ("learning_rate:", "'learning_rate:': a flag, a colon and values"),
        (";", "--search=;: no flag to try values of"),
        ("learning_rate:fast", "learning_rate:fast: a number is needed"),
        ("learning_rate:nan", "learning_rate:nan: a number is needed"),
        ("learning_rate:1e-5,,3e-5", "learning_rate:: a number is needed"),
        ("train_batch_size:1.5", "train_batch_size:1.5: a whole number is needed"),
        ("keep_best:maybe", "keep_best:maybe: true or false is needed"),
        ("learning_rate:1e-5,0.00001", "a value is there twice"),
        ("learning_rate:1e-5;learning_rate:3e-5", "learning_rate is there twice"),
        ("learning_rate:1e-3..1e-5", "the first number of a range is the lower one"),
        ("learning_rate:1e-5..1e-3", "learning_rate has a range; --search_trials says how many"),
        ("optimizer:adamx", "optimizer:adamx: one of adagrad, adamw"),
        *((f"{name}:a,b", f"{name} makes no other weights") for name in ("output_dir", "plugin", "search", "do_train")),
        *((f"{name}:1,2", f"{name} makes no other weights") for name in ("num_runs", "num_folds", "eval_batch_size")),
        *((f"{name}:a,b", f"{name} makes no other weights") for name in ("task_name", "dev_file", "problem_type")),
    ],
)
def test_what_cannot_be_searched(text, message):
    with pytest.raises(InputError) as caught:
        trials(text)
    assert message in str(caught.value) and str(caught.value).startswith("--search") and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"search": None, "search_trials": 3}, "--search_trials is of no use without --search"),
        ({"search": None, "search_stop": "median"}, "--search_stop is of no use without --search"),
        ({"do_train": False}, "--do_train is needed"),
        ({"do_eval": False}, "--do_eval is needed, or --num_folds"),
        ({"search_trials": 0}, "--search_trials=0: a number above 0"),
        ({"search_stop": "mean", "eval_steps": 5}, "--search_stop=mean: one of median"),
        ({"search_stop": "median"}, "--search_stop=median looks at evaluations: --eval_steps is needed"),
    ],
)
def test_what_else_must_be_said(changes, message):
    run = dataclasses.replace(RUN, **{"search": "learning_rate:1e-5", **changes})
    with pytest.raises(InputError, match=message):
        search.check(run, lambda name: False)


def test_folds_are_an_evaluation_and_a_flag_that_is_given_is_not_searched():
    assert trials("learning_rate:1e-5", do_eval=False, num_folds=3) == [{"learning_rate": 1e-5}]
    assert search.check(RUN, lambda name: False) is None
    with pytest.raises(InputError, match="--learning_rate is given, and --search tries values of it"):
        trials("learning_rate:1e-5", given={"learning_rate"})
