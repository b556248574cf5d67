"""Text files to shards of pre-training instances: read and tokenized here, made into records by processes.

Source: google-research/bert, create_pretraining_data.py, whose flags these settings are.
"""

import collections
import contextlib
import dataclasses
import functools
import logging
import math
import os

import console
from errors import InputError
from processors import (
    corpus_lint,
    documents,
    instance_making,
    paragraph_lines,
    paths,
    segmenters,
    sentences,
    shard_files,
)  # fmt: skip
from processors.key_order import KeyOrder
from processors.masking import Masking
from processors.workers import Workers
from progress import Progress

FORMAT_VERSION = 1
INSTANCES_TO_LOG = 3
# Duplicates of a block that a process makes at once, so that its answer stays small.
DUPLICATES_PER_TASK = 2
# Settings that are no property of the instances, or one that the tokenizer's fingerprint has.
_NOT_OF_THE_INSTANCES = (
    "input_file",
    "output_file",
    "vocab_file",
    "do_lower_case",
    "engine",
    "plugin",
    "spark_master",
    "num_processes",
    "num_output_shards",
    "overwrite",
    "lint",
)


def make_recipe(run, tokenizer):
    """The Recipe of settings."""
    kind = masking_kind(run)
    if run.segmenter and kind == "token":
        raise InputError("--segmenter finds words, --masking=token has no use for them; give --masking=whole_word")
    masking = None
    if not (run.dynamic_masking or instance_making.is_unmasked(run.instances)):
        masking = Masking(
            kind, run.masked_lm_prob, run.max_predictions_per_seq, tokenizer.mask_id, tokenizer.vocab_size,
            run.max_ngram,
        )  # fmt: skip
    return instance_making.Recipe(
        run.instances, run.max_seq_length, run.short_seq_prob, masking,
        instance_making.template_of(run.instances).on(tokenizer),
        None if kind == "token" else tokenizer.continuations(),
        run.random_seed, segmenters.SegmentedWords(run.segmenter, tokenizer) if run.segmenter else None,
        run.pad_records,
    )  # fmt: skip


def masking_kind(run):
    """--masking, or what the original's --do_whole_word_mask says."""
    return "whole_word" if run.do_whole_word_mask and run.masking == "token" else run.masking


def make_corpus(run, files):
    """The Corpus of settings."""
    split = sentences.split_paragraph if run.split_sentences else None
    columns = instance_making.columns_of(run.instances)
    return documents.Corpus(files, run.documents, split, columns, run.encoding)


def fitted(run):
    """The settings, with those that do not matter to the kind of instances at what they then mean.

    Raises:
      InputError: a setting asks for what this kind of instances has no use for.
    """
    if run.pad_records and (run.dynamic_masking or not instance_making.is_labelled(run.instances)):
        wanted = "masks" if run.dynamic_masking else "next_sentence_labels"
        raise InputError(f"--pad_records is for readers of the original, which need {wanted}; leave it out")
    if not instance_making.is_unmasked(run.instances):
        return run
    idle = ["dynamic_masking", "do_whole_word_mask", "segmenter"]
    for name in [*idle, "split_sentences"] if instance_making.columns_of(run.instances) else idle:
        if getattr(run, name):
            raise InputError(f"--{name} is of no use with --instances={run.instances}; leave it out")
    return dataclasses.replace(run, dupe_factor=1)  # a second time gives the same instances


def lint(run, files, tokenizer):
    """Reads the corpus without writing; returns (rows of name and value, warnings) of `CorpusLint.report`."""
    run = fitted(run)
    recipe, corpus = make_recipe(run, tokenizer), make_corpus(run, files)
    apart, columns = (of(run.instances) for of in (instance_making.keeps_texts_apart, instance_making.columns_of))
    found = corpus_lint.CorpusLint(
        tokenizer, recipe, "line" if columns else run.documents, len(files), run.split_sentences or apart,
        run.dupe_factor,
    )  # fmt: skip
    console.import_tensorflow()
    with _progress(corpus, sum(paths.file_sizes(files).values())) as report:
        for text_block in documents.blocks(corpus.documents()):
            block = instance_making.tokenized(text_block, tokenizer, keep_empty=bool(columns))
            found.add(text_block, block)
            report(found.counts["instances"])
    rows, warnings = found.report()
    if corpus.nul_bytes:
        warnings.append(f"{corpus.nul_bytes} NUL bytes, which are dropped: is all of it text?")
    return rows, warnings


def create(run, files, tokenizer):
    """Writes the instances of text files.

    The result depends on texts, settings and seed; not on the number of processes, of input files or of shards.

    Args:
      run: PretrainingDataSettings.
      files: paths of the texts.
      tokenizer: see `processors.tokenization`.

    Returns:
      The manifest, a dict, as it was written.

    Raises:
      InputError: an input file cannot be read, there is no instance to make, or an output cannot be written.
    """
    run = fitted(run)
    outputs, recipe, corpus = shard_files.output_files(run), make_recipe(run, tokenizer), make_corpus(run, files)
    inputs, manifest_path = paths.file_sizes(files), shard_files.manifest_file(run)
    made_from = {"settings": _settings(run), "inputs": inputs, "tokenizer": tokenizer.fingerprint()}
    earlier = shard_files.prepare(outputs, manifest_path, made_from, run.overwrite)
    counts, made_counts = collections.Counter(), collections.Counter()
    order = KeyOrder(shard_files.temporary_folder(outputs))
    with (
        _workers(run, functools.partial(instance_making.block_records, recipe=recipe)) as workers,
        _progress(corpus, sum(inputs.values())) as report,
    ):
        console.import_tensorflow()  # while the processes start
        for made in workers.map(_tasks(corpus, tokenizer, run, recipe, counts)):
            order.add(made.keys, made.records)
            made_counts = instance_making.sum_counts([made_counts, made.counts])
            report(made_counts["instances"])
    counts += made_counts + collections.Counter(nul_bytes=corpus.nul_bytes)
    _check_not_empty(counts, files)
    if counts["documents"] < len(files) and run.documents == "blank_line":
        logging.warning("%s", corpus_lint.documents_warning(counts["documents"], len(files), run.documents))
    content = {**_manifest(run, tokenizer, counts), **made_from}
    show = functools.partial(_log_first, tokenizer)
    return shard_files.write(outputs, order.records(), show, manifest_path, content, earlier)


def _workers(run, function):
    """Who runs the function: processes of this machine, or executors of a cluster."""
    if run.engine == "spark":
        from processors import spark_engine

        return spark_engine.SparkWorkers(function, run.spark_master)
    # Reading and tokenizing, which is done here, feeds about one process per duplicate; more would idle in memory. A
    # segmenter is slow, and has use for all.
    useful = max(2, run.dupe_factor) if not run.segmenter else math.inf
    return Workers(function, run.num_processes or min(len(os.sched_getaffinity(0)), useful))


def _tasks(corpus, tokenizer, run, recipe, counts):
    """Yields (Block, first duplicate, one beyond the last); counts what the corpus has."""
    columns, last = instance_making.columns_of(run.instances), -1
    are_sentences = run.split_sentences or instance_making.keeps_texts_apart(run.instances)
    for text_block in documents.blocks(corpus.documents()):
        counts["read_documents"] += len(text_block.documents)
        block = instance_making.tokenized(text_block, tokenizer, bool(run.segmenter), keep_empty=bool(columns))
        origins = set(block.origins.tolist()) - {last}
        counts["documents"] += len(origins)
        last = max(origins, default=last)
        counts["sentences"] += len(block.sentence_splits) - 1
        counts["text_tokens"] += len(block.ids)
        if not are_sentences and (found := paragraph_lines.warning(text_block, block, tokenizer, recipe)):
            logging.warning("%s", found)
            are_sentences = True  # it is said once
        if len(block.ids):
            for first in range(0, run.dupe_factor, DUPLICATES_PER_TASK):
                yield block, first, min(first + DUPLICATES_PER_TASK, run.dupe_factor)


def _check_not_empty(counts, files):
    where = f"{files[0]} and {len(files) - 1} more" if len(files) > 1 else files[0]
    if not counts["read_documents"]:
        raise InputError(f"{where}: no text, only blank lines; a corpus with one sentence a line is needed")
    if not counts["text_tokens"]:
        raise InputError(f"{where}: no instance: none of its lines has a token in this vocabulary's eyes")
    if not counts["instances"]:
        raise InputError(
            f"{where}: no instance could be made of {counts['documents']} documents with {counts['text_tokens']} "
            "tokens; longer documents are needed"
        )


def _log_first(tokenizer, number, record):
    if number >= INSTANCES_TO_LOG:
        return
    import tensorflow as tf

    example = tf.train.Example.FromString(record)
    values = {
        name: list(feature.int64_list.value or feature.float_list.value)
        for name, feature in sorted(example.features.feature.items())
    }
    logging.info("*** Example ***")
    for name in [name for name in values if name.endswith("input_ids")]:
        logging.info("tokens: %s", " ".join(tokenizer.convert_ids_to_tokens(values[name])))
    for name, numbers in values.items():
        logging.info("%s: %s", name, " ".join(map(str, numbers)))


def _settings(run):
    return {name: value for name, value in dataclasses.asdict(run).items() if name not in _NOT_OF_THE_INSTANCES}


def _manifest(run, tokenizer, counts):
    return {
        "format": FORMAT_VERSION,
        "num_instances": counts["instances"],
        "max_length": counts["max_length"],
        "max_seq_length": run.max_seq_length,
        "max_predictions_per_seq": run.max_predictions_per_seq,
        "instances": run.instances,
        "dynamic_masking": run.dynamic_masking,
        "masking": masking_kind(run),
        "masked_lm_prob": run.masked_lm_prob,
        "random_seed": run.random_seed,
        "dupe_factor": run.dupe_factor,
        "vocab_file": os.path.abspath(run.vocab_file),
        "do_lower_case": tokenizer.do_lower_case,
        "vocab_size": tokenizer.vocab_size,
        "statistics": dict(counts),
    }


@contextlib.contextmanager
def _progress(corpus, num_bytes):
    """Gives a function that is told the number of instances."""
    with Progress("read", num_bytes, "B") as progress:
        yield lambda instances: progress.show(corpus.bytes_read, f"{instances} instances")


def summary(manifest):
    """Lines for the person who waited, list of str."""
    counts = collections.Counter(manifest["statistics"])
    instances, tokens = counts["instances"], counts["tokens"]
    rows = [
        ("documents", f"{counts['documents']:,}"),
        ("sentences", f"{counts['sentences']:,}"),
        ("instances", f"{instances:,} ({manifest['instances']}, {manifest['dupe_factor']} times through the corpus)"),
        ("mean length", f"{tokens / (counts['texts'] or instances):.1f} tokens of {manifest['max_seq_length']}"),
        ("cut off", f"{counts['dropped_tokens'] / (counts['dropped_tokens'] + tokens):.1%} of the tokens"),
    ]
    if "labels_1" in counts:
        rows.append(("random or swapped", f"{counts['labels_1'] / instances:.1%} of the pairs"))
    if counts["texts"]:
        rows.append(("hard negatives", f"{counts['hard_negatives']:,}"))
    elif instance_making.is_unmasked(manifest["instances"]):
        rows.append(("masked", "nothing"))
    elif manifest["dynamic_masking"]:
        rows.append(("masked", f"while training ({manifest['masking']})"))
    else:
        rows.append(("masked", f"{counts['predictions'] / tokens:.2%} of the tokens ({manifest['masking']})"))
    files = manifest["files"]
    if counts["nul_bytes"]:
        rows.append(("dropped", f"{counts['nul_bytes']:,} NUL bytes"))
    if counts["unsegmented_sentences"]:
        share = counts["unsegmented_sentences"] / counts["sentences"]
        rows.append(("not segmented", f"{share:.2%} of the sentences: tokens and the segmenter's words do not fit"))
    rows.append(("files", f"{len(files)}, {sum(files.values()) / 1e6:.1f} MB"))
    width = max(len(name) for name, _ in rows)
    return [f"{name:<{width}}  {value}" for name, value in rows]
