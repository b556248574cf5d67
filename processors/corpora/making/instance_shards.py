"""Text files to shards of pre-training instances: read and tokenized here, made into records by processes.

Source: google-research/bert, create_pretraining_data.py, whose flags these settings are.
"""

import collections
import contextlib
import dataclasses
import functools
import logging
import os

from bertline import options, plugins, registry
from bertline.common import console
from bertline.common.progress import Progress
from bertline.errors import InputError
from bertline.processors.corpora.making import instance_making, shard_files
from bertline.processors.corpora.making.key_order import KeyOrder
from bertline.processors.files import paths
from bertline.processors.records.workers import Workers
from bertline.processors.text import corpus_lint, documents, paragraph_lines, sentences

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


def make_kind(run, tokenizer):
    """The object of the kind of corpus data that settings name."""
    kind = registry.get("corpus", run.instances)
    return kind(tokenizer, run.max_seq_length, run.random_seed, **options.values_for(kind, vars(run)))


def make_corpus(run, files, kind):
    """The Corpus of settings, as a kind (or an object of one) reads it."""
    split = sentences.split_paragraph if kind.split_sentences else None
    return documents.Corpus(files, run.documents, split, kind.columns, run.encoding)


def lint(run, files, tokenizer):
    """Reads the corpus without writing; returns (rows of name and value, warnings) of `CorpusLint.report`."""
    kind = make_kind(run, tokenizer)
    corpus = make_corpus(run, files, kind)
    found = corpus_lint.CorpusLint(
        tokenizer, kind, "line" if kind.columns else run.documents, len(files), _are_texts(kind)
    )
    console.import_tensorflow()
    with _progress(corpus, sum(paths.file_sizes(files).values())) as report:
        for text_block in documents.blocks(corpus.documents()):
            block = instance_making.tokenize_block(text_block, tokenizer, keep_empty=bool(kind.columns))
            found.add(text_block, block)
            report(found.counts["instances"])
    rows, warnings = found.report()
    if corpus.nul_bytes:
        warnings.append(f"{corpus.nul_bytes} NUL bytes, which are dropped: is all of it text?")
    return rows, warnings


def _are_texts(kind):
    """Whether nothing need be said of lines that hold several sentences."""
    return kind.split_sentences or kind.lines_are_texts


def create(run, files, tokenizer):
    """Writes the instances of text files.

    The result depends on texts, settings and seed; not on the number of processes, of input files or of shards.

    Args:
      run: PretrainingDataSettings.
      files: paths of the texts.
      tokenizer: see `bertline.processors.tokenization`.

    Returns:
      The manifest, a dict, as it was written.

    Raises:
      InputError: an input file cannot be read, there is no instance to make, or an output cannot be written.
    """
    outputs, kind = shard_files.output_files(run), make_kind(run, tokenizer)
    corpus = make_corpus(run, files, kind)
    inputs, manifest_path = paths.file_sizes(files), shard_files.manifest_file(run)
    made_from = {"settings": _settings(run, kind), "inputs": inputs, "tokenizer": tokenizer.fingerprint()}
    earlier = shard_files.prepare(outputs, manifest_path, made_from, run.overwrite)
    counts, made_counts = collections.Counter(), collections.Counter()
    order = KeyOrder(shard_files.temporary_folder(outputs))
    with (
        _workers(run, kind) as workers,
        _progress(corpus, sum(inputs.values())) as report,
    ):
        console.import_tensorflow()  # while the processes start
        for made in workers.map(_tasks(corpus, tokenizer, kind, counts)):
            order.add(made.keys, made.records)
            made_counts = instance_making.sum_counts([made_counts, made.counts])
            report(made_counts["instances"])
    counts += made_counts + collections.Counter(nul_bytes=corpus.nul_bytes)
    _check_not_empty(counts, files)
    if counts["documents"] < len(files) and run.documents == "blank_line":
        logging.warning("%s", corpus_lint.documents_warning(counts["documents"], len(files), run.documents))
    content = {**_manifest(run, tokenizer, kind, counts), **made_from}
    show = functools.partial(_log_first, tokenizer)
    records = _count_records(kind.merge(order.records()), content)
    return shard_files.write(outputs, records, show, manifest_path, content, earlier)


def _count_records(records, content):
    """The records; once all have been read, the manifest's content says how many they are."""
    for number, record in enumerate(records, 1):
        yield record
        content["num_instances"] = number


def _workers(run, kind):
    """Who makes the records: processes of this machine, or executors of a cluster."""
    function = plugins.carry_plugins(functools.partial(instance_making.block_records, kind=kind), run.plugin)
    if run.engine == "spark":
        from bertline.processors.corpora.making import spark_engine

        return spark_engine.SparkWorkers(function, run.spark_master)
    # More processes than have something to do would idle in memory.
    count = run.num_processes or min(len(os.sched_getaffinity(0)), kind.useful_processes)
    return Workers(function, count)


def _tasks(corpus, tokenizer, kind, counts):
    """Yields (Block, first duplicate, one beyond the last); counts what the corpus has."""
    are_texts, last = _are_texts(kind), -1
    for text_block in documents.blocks(corpus.documents()):
        counts["read_documents"] += len(text_block.documents)
        block = instance_making.tokenize_block(text_block, tokenizer, kind.needs_texts, keep_empty=bool(kind.columns))
        origins = set(block.origins.tolist()) - {last}
        counts["documents"] += len(origins)
        last = max(origins, default=last)
        counts["sentences"] += len(block.sentence_splits) - 1
        counts["text_tokens"] += len(block.ids)
        if not are_texts and (found := paragraph_lines.warning(text_block, block, tokenizer, kind)):
            logging.warning("%s", found)
            are_texts = True  # it is said once
        if len(block.ids):
            for first in range(0, kind.dupe_factor, DUPLICATES_PER_TASK):
                yield block, first, min(first + DUPLICATES_PER_TASK, kind.dupe_factor)


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


def _settings(run, kind):
    of_run = dataclasses.asdict(run) | {"dupe_factor": kind.dupe_factor}
    return {name: value for name, value in of_run.items() if name not in _NOT_OF_THE_INSTANCES}


def _manifest(run, tokenizer, kind, counts):
    return {
        "format": FORMAT_VERSION,
        "num_instances": counts["instances"],
        "max_length": counts["max_length"],
        "max_seq_length": run.max_seq_length,
        "instances": run.instances,
        **kind.manifest_entries(),
        "random_seed": run.random_seed,
        "dupe_factor": kind.dupe_factor,
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
    counts, kind = collections.Counter(manifest["statistics"]), registry.get("corpus", manifest["instances"])
    tokens = counts["tokens"]
    made = f"{counts['instances']:,} ({manifest['instances']}, {manifest['dupe_factor']} times through the corpus)"
    rows = [
        ("documents", f"{counts['documents']:,}"),
        ("sentences", f"{counts['sentences']:,}"),
        ("instances", made),
        ("mean length", f"{tokens / kind.num_sequences(counts):.1f} tokens of {manifest['max_seq_length']}"),
        ("cut off", f"{counts['dropped_tokens'] / (counts['dropped_tokens'] + tokens):.1%} of the tokens"),
        *kind.summary_rows(manifest),
    ]
    if counts["nul_bytes"]:
        rows.append(("dropped", f"{counts['nul_bytes']:,} NUL bytes"))
    files = manifest["files"]
    rows.append(("files", f"{len(files)}, {sum(files.values()) / 1e6:.1f} MB"))
    width = max(len(name) for name, _ in rows)
    return [f"{name:<{width}}  {value}" for name, value in rows]
