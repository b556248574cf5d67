"""Which numbers a setting may have: a float flag takes nan and inf as well."""

import math
import types

import pytest

from errors import InputError
from training import flags


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
    ones = ("max_seq_length", "train_batch_size", "eval_batch_size", "learning_rate", "layer_decay", "do_train",
            "gradient_accumulation_steps", "save_checkpoints_steps", "iterations_per_loop", "output_dir")  # fmt: skip
    zeros = ("max_grad_norm", "eval_steps", "patience", "keep_best", "do_eval", "do_predict")
    run = types.SimpleNamespace(**dict.fromkeys(ones, 1), **dict.fromkeys(zeros, 0))
    flags.check_run(run)
    setattr(run, name, value)
    with pytest.raises(InputError, match=f"--{name}={value}: .* above"):
        flags.check_run(run)
