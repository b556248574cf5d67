"""Makes instances for pre-training from text: masked tokens, next sentences; TFRecords for run_pretraining.py.

Source: google-research/bert `create_pretraining_data.py`, whose flags and features these are.
"""

import logging
import os

from bertline import errors, registry
from bertline.settings import flags
from bertline.settings.owned import check_owners
from bertline.settings.scripts.create_pretraining_data import PretrainingDataSettings


def main(_):
    with errors.report_errors("nothing is left of it; the same command starts anew"):
        logging.getLogger().setLevel(logging.INFO)
        run = flags.read(PretrainingDataSettings)
        _check(run)
        from bertline.processors import tokenization
        from bertline.processors.corpora.making import instance_shards
        from bertline.processors.files import paths

        files = paths.find_files(run.input_file)
        tokenizer = tokenization.load_tokenizer(run.vocab_file, run.do_lower_case)
        if run.lint:
            report(*instance_shards.lint(run, files, tokenizer))
            return
        manifest = instance_shards.create(run, files, tokenizer)
        print("\n".join(instance_shards.summary(manifest)))
        print(f"\nnext:\n  {next_command(run, manifest)}")


def _check(run):
    for name in ("input_file", "output_file", "vocab_file"):
        if not getattr(run, name) and not (run.lint and name == "output_file"):
            raise errors.InputError(f"--{name} is needed")
    registry.get("corpus", run.instances)
    check_owners(run)
    flags.check_positive(run, "num_output_shards", "num_processes")
    from bertline.processors.layouts import templates
    from bertline.processors.text import documents

    least = templates.BERT.num_special(2) + 2
    if run.max_seq_length < least:
        raise errors.InputError(
            f"--max_seq_length={run.max_seq_length}: at least {least} are needed, [CLS] a [SEP] b [SEP]"
        )
    flags.check_choice(run, "documents", documents.UNITS)
    _check_engine(run)
    if not run.lint:
        from bertline.processors.corpora.making import shard_files

        shard_files.output_files(run)


def _check_engine(run):
    if run.engine not in ("local", "spark"):
        raise errors.InputError(f"--engine={run.engine}: local or spark is needed")
    if run.engine == "local" and run.spark_master:
        raise errors.InputError(f"--spark_master={run.spark_master} is of no use without --engine=spark")
    if run.engine == "spark" and run.num_processes is not None:
        raise errors.InputError("--num_processes is of no use with --engine=spark: the cluster has its own")
    if run.engine == "spark" and not run.lint:
        from bertline.processors.corpora.making import spark_engine

        spark_engine.check(run.spark_master)


def report(rows, warnings):
    """Prints what --lint found."""
    width = max(len(name) for name, _ in rows)
    print("\n".join(f"{name:<{width}}  {value}" for name, value in rows))
    for warning in warnings:
        print(f"warning: {warning}")
    print(
        "\nnothing was written" + ("" if warnings else "; no mistake was found") + "; without --lint the data is made"
    )


def next_command(run, manifest):
    """What to type to train on the result: from the weights beside the vocabulary, where there are any."""
    count = run.num_output_shards
    pattern = run.output_file if count == 1 else f"{run.output_file}-?????-of-{count:05d}"
    learned = registry.get("corpus", run.instances).training_flags(vars(run))
    start = _weights_beside(run.vocab_file) or "... (or --bert_config_file=..., to start from nothing)"
    return (
        f"python run_pretraining.py --do_train --do_eval --input_file='{pattern}' --vocab_file={run.vocab_file} "
        f"--max_seq_length={run.max_seq_length} {learned} --output_dir=... --init_checkpoint={start}"
    )


def _weights_beside(vocab_file):
    """What --init_checkpoint would be for the weights in the vocabulary's folder; None where there are none."""
    folder = os.path.dirname(vocab_file) or "."
    known = {"model.safetensors": folder, "bert_model.ckpt.index": os.path.join(folder, "bert_model.ckpt")}
    return next((start for name, start in known.items() if os.path.exists(os.path.join(folder, name))), None)


def command():
    """What the shell runs: this script, or its console command."""
    flags.define(PretrainingDataSettings)
    flags.run(main)


if __name__ == "__main__":
    command()
