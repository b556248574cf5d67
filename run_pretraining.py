"""Pre-trains an encoder on records of create_pretraining_data.py, evaluates it, fills masks.

Source: google-research/bert `run_pretraining.py`, whose flags and output files these are.
"""

import logging
import sys

from bertline import errors, registry
from bertline.common import console
from bertline.settings import flags
from bertline.settings.owned import check_owners
from bertline.settings.scripts.run_pretraining import PretrainingSettings
from bertline.training.folder.as_trained import as_trained


def main(_):
    with errors.report_errors():
        logging.getLogger().setLevel(logging.INFO)
        run = flags.read(PretrainingSettings)
        flags.check_output_dir(run)
        run = as_trained(run, flags.is_given)
        _check(run)
        console.import_tensorflow()
        from bertline.settings.parts import part
        from bertline.training.folder.as_stored import as_stored
        from bertline.training.jobs.building import length_buckets
        from bertline.training.jobs.corpus_data import CorpusData, CorpusDataSettings
        from bertline.training.jobs.job import Job

        run = as_stored(run, flags.is_given)
        status = Job(run, CorpusData(part(CorpusDataSettings, run), vars(run), length_buckets(run))).run()
    sys.exit(status)


def _check(run):
    learning = registry.literals("objective", "corpus")
    if run.objective in registry.names("objective") and run.objective not in learning:
        raise errors.InputError(
            f"--objective={run.objective}: not an objective of pre-training; those are {', '.join(learning)}"
        )
    check_owners(run)
    flags.check_run(run, "num_train_steps", "max_eval_steps", "predict_top_k")
    if run.num_warmup_steps < 0:
        raise errors.InputError(f"--num_warmup_steps={run.num_warmup_steps}: a number from 0 on is needed")
    if not (run.bert_config_file or run.init_checkpoint or not run.do_train):
        raise errors.InputError("--bert_config_file is needed, or an --init_checkpoint that has its own")
    if (run.do_train or (run.do_eval and not run.eval_file)) and not run.input_file:
        raise errors.InputError("--input_file is needed: records of create_pretraining_data.py")
    if run.do_predict and not run.predict_file:
        raise errors.InputError("--predict_file is needed: lines of text, with [MASK] where a token is asked for")


def command():
    """What the shell runs: this script, or its console command."""
    flags.define(PretrainingSettings)
    flags.run(main)


if __name__ == "__main__":
    command()
