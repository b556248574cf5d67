"""Pre-trains an encoder on records of create_pretraining_data.py, evaluates it, fills masks.

Source: google-research/bert `run_pretraining.py`, whose flags and output files these are.
"""

import logging
import sys

import console
import errors
from training import flags, settings


def main(_):
    with errors.reported():
        logging.getLogger().setLevel(logging.INFO)
        run = flags.read(settings.PretrainingSettings)
        _check(run)
        console.import_tensorflow()
        from training.pretraining import Pretraining

        status = Pretraining(run).run()
    sys.exit(status)


def _check(run):
    if not (run.do_train or run.do_eval or run.do_predict):
        raise errors.InputError("at least one of --do_train, --do_eval and --do_predict must be given")
    if not run.output_dir:
        raise errors.InputError("--output_dir is needed")
    if not (run.bert_config_file or run.init_checkpoint or not run.do_train):
        raise errors.InputError("--bert_config_file is needed, or an --init_checkpoint that has its own")
    if (run.do_train or (run.do_eval and not run.eval_file)) and not run.input_file:
        raise errors.InputError("--input_file is needed: records of create_pretraining_data.py")
    if run.do_predict and not run.predict_file:
        raise errors.InputError("--predict_file is needed: lines of text, with [MASK] where a token is asked for")
    flags.check_positive(
        run, "max_seq_length", "max_predictions_per_seq", "train_batch_size", "eval_batch_size", "num_train_steps",
        "max_eval_steps", "learning_rate", "gradient_accumulation_steps", "save_checkpoints_steps",
        "iterations_per_loop", "predict_top_k",
    )  # fmt: skip
    if (run.keep_best or run.patience) and not run.eval_steps:
        raise errors.InputError("--keep_best and --patience compare evaluations: --eval_steps is needed")


if __name__ == "__main__":
    flags.define(settings.PretrainingSettings)
    flags.run(main)
