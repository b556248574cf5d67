"""Learns a tag for each word of a sentence (named entities, chunks, parts of speech), evaluates it and predicts."""

import logging
import sys

from bertline import errors
from bertline.settings import flags
from bertline.settings.scripts.run_tagger import TaggerSettings


def main(_):
    with errors.report_errors():
        logging.getLogger().setLevel(logging.INFO)
        run = flags.read(TaggerSettings)
        # Only now that flags are known to be good, so that --help answers at once.
        from bertline.training.jobs.task_job import run_task

        status = run_task(run, flags.is_given)
    sys.exit(status)


def command():
    """What the shell runs: this script, or its console command."""
    flags.define(TaggerSettings)
    flags.run(main)


if __name__ == "__main__":
    command()
