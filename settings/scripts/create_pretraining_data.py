"""What create_pretraining_data.py takes."""

import dataclasses

from bertline.settings.base import CASING, ENCODING, PATH, PATHS, Settings, setting
from bertline.settings.owned import with_options


@with_options
@dataclasses.dataclass(frozen=True, kw_only=True)
class PretrainingDataSettings(Settings):
    """What create_pretraining_data.py takes."""

    owners = {"corpus": "instances"}

    input_file: str | None = setting(
        None, "Input text files: names or patterns, comma-separated; .gz too.", holds=PATHS
    )
    encoding: str = setting("utf-8", ENCODING)
    output_file: str | None = setting(None, "Output TFRecord file, or a comma-separated list of files.", holds=PATHS)
    vocab_file: str | None = setting(None, "The vocabulary file, or a SentencePiece .model.", holds=PATH)
    do_lower_case: bool | None = setting(None, CASING, False)
    max_seq_length: int = setting(128, "Maximum sequence length.")
    random_seed: int = setting(12345, "Random seed for data generation.")
    instances: str = setting(
        "next_sentence",
        "What an instance is: next_sentence, sentence_order, full_sentences; response_pairs (each line with the one "
        "after it in its document); text_pairs (lines of text, response and perhaps a hard negative, tab-separated); "
        "token_stream (all tokens in order, for causal_lm); sentence_stream (sentences, for bidirectional_lm).",
    )
    documents: str = setting(
        "blank_line",
        "What ends a document: blank_line, as in the original (it goes on in the next file), blank_line_or_file (the "
        "end of the file too), file or line.",
    )
    lint: bool = setting(False, "Report what the corpus will become, with warnings of mistakes, and write nothing.")
    engine: str = setting("local", "Who makes instances: local, processes of this machine, or spark, a cluster.")
    spark_master: str | None = setting(None, "For --engine=spark: spark://host:port, yarn, k8s://... or local[2].")
    num_processes: int | None = setting(None, "Processes that make instances; by default as many as pay off.")
    num_output_shards: int = setting(1, "Files to write: <output_file>-00000-of-0000N and so on.")
    overwrite: bool = setting(False, "Replace an output that is there already.")
