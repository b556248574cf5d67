"""Which numbers a setting may have: a float flag takes nan and inf as well."""

import dataclasses
import math
import types

import pytest

from bertline.errors import InputError
from bertline.settings import flags
from bertline.settings.scripts.run_classifier import ClassifierSettings
from bertline.settings.scripts.run_pretraining import PretrainingSettings


@pytest.mark.parametrize("value", [0, -1, -0.5, math.nan, math.inf, -math.inf])
def test_above_zero(value):
    flags.check_positive(types.SimpleNamespace(fine=1, small=1e-300), "fine", "small")
    with pytest.raises(InputError, match=f"--wrong={value}: a number above 0 is needed"):
        flags.check_positive(types.SimpleNamespace(fine=1, wrong=value), "fine", "wrong")


@pytest.mark.parametrize("value", [-0.1, 1.1, math.nan, math.inf])
def test_shares(value):
    flags.check_share(types.SimpleNamespace(none=0.0, all=1.0), "none", "all")
    with pytest.raises(InputError, match=f"--wrong={value}: a number from 0 to 1 is needed"):
        flags.check_share(types.SimpleNamespace(wrong=value), "wrong")


@pytest.mark.parametrize("name", ["max_grad_norm", "eval_steps", "patience", "learning_rate"])
@pytest.mark.parametrize("value", [-1, math.nan, math.inf])
def test_runs(name, value):
    run = PretrainingSettings(do_train=True, output_dir="out", num_gpus=0)
    flags.check_run(run)
    run = dataclasses.replace(run, **{name: value})
    with pytest.raises(InputError, match=f"--{name}={value}: .* above"):
        flags.check_run(run)


@pytest.mark.parametrize("kind", [ClassifierSettings, PretrainingSettings])
def test_seeds_and_devices(kind):
    """A seed is an int32 to TensorFlow, and of several runs each has its own."""

    def check(**changes):
        flags.check_run(kind(do_train=True, output_dir="out", **changes))

    check(seed=0, num_gpus=0)
    check(seed=2**31 - 1)
    for changes, message in (
        ({"seed": -1}, "--seed=-1: a number from 0 on"),
        ({"seed": 2**31}, "--seed=2147483648: .* below 2147483648"),
        ({"num_gpus": -1}, "--num_gpus=-1: 0, which is the CPU"),
    ):
        with pytest.raises(InputError, match=message):
            check(**changes)


@pytest.mark.parametrize("changes", [{"seed": 2**31 - 1, "num_runs": 2}, {"length_pool_batches": 0}])
def test_what_only_fine_tuning_has(changes):
    with pytest.raises(InputError, match=f"--{next(iter(changes))}="):
        flags.check_run(ClassifierSettings(do_train=True, output_dir="out", **changes))
