"""Learns to answer questions by parts of a text, evaluates it and predicts.

Source: google-research/bert `run_squad.py`, whose flags and output files these are.
"""

import logging
import sys

from bertline import errors
from bertline.settings import flags
from bertline.settings.scripts.run_squad import SquadSettings


def main(_):
    with errors.report_errors():
        logging.getLogger().setLevel(logging.INFO)
        run = flags.read(SquadSettings)
        # Only now that flags are known to be good, so that --help answers at once.
        from bertline.training.jobs.task_job import run_task

        status = run_task(run, flags.is_given)
    sys.exit(status)


def command():
    """What the shell runs: this script, or its console command."""
    flags.define(SquadSettings)
    flags.run(main)


if __name__ == "__main__":
    command()
