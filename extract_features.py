"""Writes the vectors that an encoder gives to texts: of their tokens, their words, or of each text as a whole.

Source: google-research/bert `extract_features.py`, whose flags and JSON lines these are.
"""

import dataclasses
import logging
import os

from bertline import errors
from bertline.common import console
from bertline.serving.encoder import vector_options
from bertline.serving.texts import input_lines
from bertline.settings import flags
from bertline.settings.scripts.extract_features import ExtractionSettings


def main(_):
    with errors.report_errors("the same command goes on where it was"):
        logging.getLogger().setLevel(logging.INFO)
        run = flags.read(ExtractionSettings)
        run = with_defaults(run)
        check(run)
        # TensorFlow is imported only now that flags and files are known to be good.
        console.import_tensorflow()
        from bertline.serving.files.extraction import extract

        extract(run, run.max_seq_length if flags.is_given("max_seq_length") else None)


def with_defaults(run):
    """The settings, with what is meant by flags that are not given: the original's defaults are for tokens."""
    if run.output_format in vector_options.BY_TEXT:
        own = {"unit": "word", "layers": "all"}
        return dataclasses.replace(run, **{name: value for name, value in own.items() if not flags.is_given(name)})
    if run.unit == "sentence" and not flags.is_given("layers"):
        return dataclasses.replace(run, layers="-1")
    return run


def check(run):
    """Raises InputError for what is wrong with the settings by themselves."""
    for name in ("input_file", "output_file", "init_checkpoint"):
        if not getattr(run, name):
            raise errors.InputError(f"--{name} is needed")
    flags.check_positive(run, "batch_size", "max_seq_length", "window_stride")
    if run.input_file != "-" and not os.path.isfile(run.input_file):
        raise errors.InputError(f"--input_file={run.input_file}: no such file")
    input_lines.check(run)
    if os.path.isdir(run.output_file):
        raise errors.InputError(f"--output_file={run.output_file}: a folder; the name of a file is needed")
    if run.output_file == "-" and run.append:
        raise errors.InputError("--append: standard output cannot be appended to; give --output_file a name")
    if run.append and run.carry_state:
        raise errors.InputError("--append: with --carry_state a file is written as a whole")
    flags.check_choice(run, "output_dtype", ("float32", "float16"))
    vector_options.output_format(run.output_file, run.output_format)
    if run.output_format in vector_options.BY_TEXT:
        check_by_text(run)
    layers, mix = vector_options.parse_layers_or_all(run.layers), run.layer_mix
    if layers is None:  # how many there are the model knows; so it is compared with a file of weights later
        layers, mix = (-2, -1), mix if mix in vector_options.MIXES else "mean"
    options = vector_options.vector_options(run.unit, run.pooling or "mean", layers, mix, bool(run.normalize))
    if options.unit != "sentence" and (run.prompt or run.prompt_name):
        raise errors.InputError(vector_options.PROMPT_OF_OTHERS)
    if run.transform is not None:
        from bertline.serving.encoder import vector_transform

        if options.unit != "sentence" or options.num_states != 1:
            raise errors.InputError(
                "--transform is for one vector per sentence: --unit=sentence is needed, one layer or a mix"
            )
        vector_transform.load(run.transform)
    if options.unit == "token" and run.pooling not in (None, "none", vector_options.FIRST_LAST):
        raise errors.InputError(
            f"--pooling={run.pooling}: each token has a vector of its own; --unit=sentence, or word, is needed"
        )


def check_by_text(run):
    """Raises InputError for what files with an array for each text cannot have."""
    if run.unit == "sentence":
        raise errors.InputError(
            f"--output_format={run.output_format}: its texts have a vector a word; leave --unit out"
        )
    if run.append:
        raise errors.InputError(f"--append: a file of --output_format={run.output_format} is written as a whole")


def command():
    """What the shell runs: this script, or its console command."""
    flags.define(ExtractionSettings)
    flags.run(main)


if __name__ == "__main__":
    command()
