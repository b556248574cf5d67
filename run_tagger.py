"""Learns a tag for each word of a sentence (named entities, chunks, parts of speech), evaluates it and predicts."""

import logging
import sys

import errors
from training import flags
from training.settings.tagger import TaggerSettings
from training.task_job import run_task


def main(_):
    with errors.reported():
        logging.getLogger().setLevel(logging.INFO)
        status = run_task(flags.read(TaggerSettings), flags.given)
    sys.exit(status)


if __name__ == "__main__":
    flags.define(TaggerSettings)
    flags.run(main)
