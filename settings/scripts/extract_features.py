"""What extract_features.py takes."""

import dataclasses

from bertline.settings.base import CASING, ENCODING, PATH, Settings, setting


@dataclasses.dataclass(frozen=True, kw_only=True)
class ExtractionSettings(Settings):
    """What extract_features.py takes."""

    input_file: str | None = setting(
        None, "A text a line, or a pair, `text_a ||| text_b`; .gz too; - reads stdin.", holds=PATH
    )
    encoding: str = setting("utf-8", ENCODING)
    text_a_column: str | None = setting(
        None,
        "Read --input_file as a table (.tsv, .csv, .jsonl, .parquet, .xlsx): name or number (from 0) of the "
        "text's column. Vectors are numbered from the first row after the header.",
    )
    text_b_column: str | None = setting(None, "Of a table: of the second text's column, if there is one.")
    has_header: bool | None = setting(None, "Of a table: whether line 1 is a header; by default found out.")
    delimiter: str | None = setting(None, "Of a table: between columns; by default from the file's ending.")
    quoting: str = setting("auto", "Of a table: auto, minimal (as in CSV) or none.")
    output_file: str | None = setting(None, "Where the vectors go; - writes JSON lines to stdout.", holds=PATH)
    layers: str = setting(
        "-1,-2,-3,-4",
        "Layers: -1 is the last layer, 0 the first; -13 for a model of 12 layers (-7 for 6) means the embeddings; all: "
        "those and every layer, bottom to top. By default -1 for --unit=sentence, all for the formats of ELMo.",
    )
    bert_config_file: str | None = setting(
        None, "The config json file of the model; by default the one beside --init_checkpoint.", holds=PATH
    )
    max_seq_length: int = setting(
        128,
        "The maximum total input sequence length after tokenization. Longer texts are truncated, or read in windows. "
        "By default that of the run or the sentence-transformers folder, where --init_checkpoint is one.",
    )
    init_checkpoint: str | None = setting(
        None,
        "A TensorFlow checkpoint (bert_model.ckpt), a Hugging Face or sentence-transformers folder, an output "
        "directory, a SavedModel folder or a TF Hub handle.",
        holds=PATH,
    )
    vocab_file: str | None = setting(
        None, "The vocabulary file, or a SentencePiece .model; by default the one beside --init_checkpoint.", holds=PATH
    )
    do_lower_case: bool | None = setting(None, CASING, False)
    batch_size: int = setting(32, "Texts of full length that are computed at once; of short ones more.")
    use_tpu: bool = setting(False, "Accepted for old commands; a GPU is used where there is one, else the CPU.")
    master: str | None = setting(None, "Accepted for old commands; TensorFlow 2 has no session master.")
    num_tpu_cores: int = setting(8, "Accepted for old commands.")
    use_one_hot_embeddings: bool = setting(False, "Accepted for old commands; the vectors are the same.")
    output_format: str | None = setting(
        None,
        "jsonl, hdf5 or npz, by default by the ending of --output_file; bilm: HDF5 with an array for each text, by the "
        "number of its line, as bilm-tf writes it; allennlp: the same with its sentence_to_index.",
    )
    output_dtype: str = setting("float32", "Numbers to write: float32 or float16.")
    dtype: str = setting("float32", "Numbers to compute with: float32, bfloat16 or float16.")
    unit: str = setting("token", "What gets a vector: token, word (between white space) or sentence.")
    pooling: str | None = setting(
        None,
        "Of a sentence's tokens, or a word's pieces: cls, mean, max, mean_sqrt_len, weighted_mean, last, or several "
        "joined by +; first_last: the mean of the first and last layer's; none. By default the model's own, else mean.",
    )
    normalize: bool | None = setting(None, "Give each vector length 1; by default as the model says of sentences.")
    prompt_name: str | None = setting(
        None,
        "Of sentences: name of the prompt to put before each text, of those of a sentence-transformers folder; by "
        "default its own.",
    )
    prompt: str | None = setting(
        None, "Of sentences: text to put before each text, instead of a prompt's name; empty: none."
    )
    layer_mix: str = setting(
        "none",
        'none (each layer by itself), mean, concat, or a file {"scalars": [...], "gamma": 1.0} as of ELMo.',
        holds=PATH,
    )
    window_stride: int | None = setting(
        None, "Read longer texts in overlapping windows that begin so many tokens apart, instead of truncating them."
    )
    transform: str | None = setting(
        None,
        "A file of evaluate_vectors.py --save_transform (whitening, removed components) to apply to sentences.",
        holds=PATH,
    )
    carry_state: bool = setting(
        False,
        "Begin each text with the state that the one before left, a text at a time, as bilm-tf embeds texts: for an "
        "encoder that carries a state.",
    )
    append: bool = setting(False, "Add to an output file that is there, instead of replacing it.")

    @classmethod
    def without_meaning(cls):
        """Names of flags of the original that TensorFlow 2 has no use for."""
        return ("use_tpu", "master", "num_tpu_cores", "use_one_hot_embeddings")
