"""The settings of a run, each declared once: a field here is a flag of the script and an argument in Python.

No TensorFlow is imported here, so that `--help` and wrong flags answer at once.
"""

import dataclasses
import typing

import table_lines
from processors import paths
from training.owned_settings import with_options

# What a setting holds whose value is a path, or paths and patterns separated by commas (or NAME=PATH).
PATH, PATHS = "path", "paths"
_EXPANDED = {PATH: paths.expanded, PATHS: paths.expanded_list}

ENCODING = "Of the text files: utf-8, gb18030, big5, shift_jis, euc_kr, cp1252, utf-16, or another that Python knows."
CASING = "Whether to lower case the text; by default as saved beside the vocabulary, or as the vocabulary shows."


# What a trained folder is used with again, unless it is given: settings of all models, of one objective, of one task.
OF_MODEL, OF_OBJECTIVE, OF_TASK = "model", "objective", "processor"


def setting(default, description, shapes_weights=True, holds=None, as_trained=None):
    """A field.

    Args:
      shapes_weights: a run with another value gives other weights, so its folder cannot be continued.
      holds: PATH or PATHS, where ~ and $HOME are replaced; None: another kind of value.
      as_trained: OF_MODEL, OF_OBJECTIVE or OF_TASK, see training.as_trained; None: not taken from a trained folder.
    """
    metadata = {"help": description, "shapes_weights": shapes_weights, "holds": holds, "as_trained": as_trained}
    return dataclasses.field(default=default, metadata=metadata)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Settings:
    """Base of all settings. ~ and variables of the environment in paths are replaced, in Python as on a command line.

    Raises:
      InputError: a path names a variable that is not set.
    """

    plugin: tuple[str, ...] = setting(
        (), "A Python file that registers a task, an encoder, an objective, ... of your own; may be given again.", False
    )

    def __post_init__(self):
        for field in dataclasses.fields(self):
            value, kind = getattr(self, field.name), field.metadata.get("holds")
            if kind and value:
                object.__setattr__(self, field.name, _EXPANDED[kind](value, f"--{field.name}"))

    @classmethod
    def without_meaning(cls):
        """Names of flags of the original that are accepted and do nothing."""
        return ()


@dataclasses.dataclass(frozen=True, kw_only=True)
class RunSettings(Settings):
    """What every training script takes: model, output folder, devices, optimizer, pace.

    Attributes:
      owners: kind of registered things -> the setting that names the one of a run; their options are settings too.
    """

    owners = {"optimizer": "optimizer", "learning_rate_schedule": "learning_rate_schedule"}

    output_dir: str | None = setting(
        None,
        "The output directory, a local one: the whole state of the run. The same command continues it.",
        False,
        holds=PATH,
    )
    overwrite_output_dir: bool = setting(
        False, "Start anew in an output directory that holds another run. Stopped, the same command continues.", False
    )
    bert_config_file: str | None = setting(
        None, "The config json file of the model; by default the one beside --init_checkpoint.", False, holds=PATH
    )
    vocab_file: str | None = setting(
        None,
        "The vocabulary file, or a SentencePiece .model; by default the one beside --init_checkpoint.",
        False,
        holds=PATH,
    )
    init_checkpoint: str | None = setting(
        None,
        "Weights to start from: a TensorFlow checkpoint (bert_model.ckpt), a Hugging Face folder, an output directory, "
        "a SavedModel folder or a TF Hub handle.",
        holds=PATH,
    )
    allow_missing_weights: str | None = setting(
        None, "Regular expression: encoder weights that --init_checkpoint may lack; they start at random."
    )
    do_lower_case: bool | None = setting(None, CASING, False)
    max_seq_length: int = setting(
        128,
        "The maximum total input sequence length after tokenization. Longer sequences are truncated.",
        as_trained=OF_MODEL,
    )
    learning_rate: float = setting(5e-5, "The highest learning rate.")
    optimizer: str = setting(
        "adamw", "adamw, as in BERT; lamb, for batches of thousands; sgd, asgd, adagrad, lazy_adam (rows of tables)."
    )
    learning_rate_schedule: str = setting(
        "linear",
        "What follows the warm-up: linear, as in BERT, cosine, constant, inverse_square_root; or "
        "slanted_triangular, as in ULMFiT.",
    )
    weight_decay: float | None = setting(
        None, "Share of a weight that is taken off it, times the rate; by default 0.01 of adamw and lamb, else 0."
    )
    thaw_every_steps: int = setting(
        0,
        "Gradual unfreezing: the top layer moves after so many steps, the next one after twice as many, and so on.",
    )
    max_grad_norm: float = setting(1.0, "Gradients of a larger global norm are scaled down to it; 0: never.")
    gradient_accumulation_steps: int = setting(
        1, "Cut each batch into so many micro-batches, to need less memory; the result is that of the whole batch."
    )
    freeze_layers: str | None = setting(
        None, "Encoder layers from the bottom that stay as they are: a number (embeddings included), or 'all'."
    )
    layer_decay: float = setting(1.0, "Factor between the learning rates of a layer and the one below it.")
    dtype: str = setting("float32", "Numbers to compute with: float32, bfloat16 or float16 (with loss scaling).")
    rematerialize: bool = setting(False, "Recompute activations in the backward pass: less memory, more time.", False)
    seed: int = setting(12345, "Of initialisation, order of the data and dropout.")
    save_checkpoints_steps: int = setting(1000, "How often to save the model checkpoint.", False)
    iterations_per_loop: int = setting(1000, "Most steps to make in one call of the graph.", False)
    eval_steps: int = setting(0, "Evaluate every so many steps; 0: only after training.", False)
    keep_best: bool = setting(False, "Keep the weights of the best evaluation instead of the last ones.")
    patience: int = setting(0, "Stop after so many evaluations without a new best; 0: never.")
    num_gpus: int | None = setting(None, "GPUs to use; by default all of this machine, 0 for the CPU.", False)
    require_gpu: bool = setting(False, "Fail rather than run without a GPU.", False)
    static_shapes: bool = setting(False, "Pad batches to a few fixed shapes; implied by --use_tpu and --xla.")
    xla: bool = setting(False, "Compile the training step by XLA.", False)
    use_tpu: bool = setting(False, "Whether to use a TPU.", False)
    tpu_name: str | None = setting(None, "The TPU to use: its name or grpc:// address; 'local' on a TPU VM.", False)
    tpu_zone: str | None = setting(None, "Accepted for old commands; TensorFlow 2 finds the zone itself.", False)
    gcp_project: str | None = setting(None, "Accepted for old commands; TensorFlow 2 finds the project itself.", False)
    master: str | None = setting(None, "Accepted for old commands; TensorFlow 2 has no session master.", False)
    num_tpu_cores: int = setting(8, "Accepted for old commands; all cores of the TPU are used.", False)
    dry_run: bool = setting(False, "Make all checks, show the first batch as text, train nothing.", False)

    @classmethod
    def without_meaning(cls):
        """Names of flags of the original that TensorFlow 2 has no use for."""
        return ("tpu_zone", "gcp_project", "master", "num_tpu_cores")


@dataclasses.dataclass(frozen=True, kw_only=True)
class FineTuningSettings(RunSettings):
    """What the fine-tuning scripts take beside."""

    script: typing.ClassVar[str] = "run_classifier.py"

    data_dir: str | None = setting(None, "The input data directory: the files of the task.", False, holds=PATH)
    do_train: bool = setting(False, "Whether to run training.", False)
    do_eval: bool = setting(False, "Whether to run eval on the dev set.", False)
    do_predict: bool = setting(False, "Whether to run the model in inference mode on the test set.", False)
    train_batch_size: int = setting(32, "Total batch size for training.")
    eval_batch_size: int = setting(8, "Sequences of full length that eval may hold at once; of short ones more.", False)
    predict_batch_size: int = setting(8, "The same for predict.", False)
    num_train_epochs: float = setting(3.0, "Total number of training epochs to perform.")
    warmup_proportion: float = setting(0.1, "Proportion of training over which the learning rate rises linearly.")
    length_pool_batches: int = setting(
        1, "Training batches cut from one pool sorted by length: 64 is faster, 1 is random order and can score higher."
    )
    num_runs: int = setting(
        1, "Train with so many seeds, from --seed on, each in output_dir/run-SEED; report mean and deviation.", False
    )
    predictions_format: str = setting(table_lines.TSV, "Of the file predictions.*: tsv, csv or jsonl.", False)
    num_processes: int | None = setting(None, "Processes that write records; by default as many as pay off.", False)
    pad_records: bool = setting(
        False, "Write TFRecords as the original does, filled up to --max_seq_length: its readers take them.", False
    )
    records_dir: str | None = setting(
        None,
        "Where TFRecords are written and found again; by default records/ in the output directory.",
        False,
        holds=PATH,
    )


@dataclasses.dataclass(frozen=True, kw_only=True)
class TaskSettings(FineTuningSettings):
    """What scripts take that read a task's files.

    Attributes:
      problem_types: of the tasks that the script is for; where there is one such task, it need not be named.
    """

    problem_types: typing.ClassVar[tuple[str, ...]] = ()
    owners = {**RunSettings.owners, "objective": "objective", "processor": "task_name"}

    task_name: str | None = setting(None, "The name of the task to train.", as_trained=OF_TASK)
    objective: str | None = setting(None, "What is learned.", as_trained=OF_OBJECTIVE)
    train_records: str | None = setting(
        None, "TFRecords to train on, written before: files or a pattern.", False, holds=PATHS
    )
    eval_records: str | None = setting(None, "TFRecords to evaluate on.", False, holds=PATHS)
    predict_records: str | None = setting(None, "TFRecords to predict.", False, holds=PATHS)
    encoding: str | None = setting(None, f"{ENCODING} By default the task's own, utf-8 for most.", False)


@with_options
@dataclasses.dataclass(frozen=True, kw_only=True)
class ClassifierSettings(TaskSettings):
    """What run_classifier.py takes beside."""

    problem_types: typing.ClassVar[tuple[str, ...]] = (
        "single_label_classification", "multi_label_classification", "regression",
    )  # fmt: skip

    objective: str = setting(
        "sequence_classification",
        "What is learned: sequence_classification, or similarity_regression: vectors of two sentences whose cosine is "
        "the score.",
        as_trained=OF_OBJECTIVE,
    )


@with_options
@dataclasses.dataclass(frozen=True, kw_only=True)
class TaggerSettings(TaskSettings):
    """What run_tagger.py takes beside."""

    script: typing.ClassVar[str] = "run_tagger.py"

    problem_types: typing.ClassVar[tuple[str, ...]] = ("tags",)
    objective: str = setting("token_classification", "What is learned.", as_trained=OF_OBJECTIVE)


@with_options
@dataclasses.dataclass(frozen=True, kw_only=True)
class SquadSettings(TaskSettings):
    """What run_squad.py takes beside."""

    script: typing.ClassVar[str] = "run_squad.py"

    problem_types: typing.ClassVar[tuple[str, ...]] = ("spans",)
    objective: str = setting("span_extraction", "What is learned.", as_trained=OF_OBJECTIVE)
    max_seq_length: int = setting(
        384, "The maximum total input sequence length after tokenization. Longer texts are split into windows.",
        as_trained=OF_MODEL,
    )  # fmt: skip


@with_options
@dataclasses.dataclass(frozen=True, kw_only=True)
class PretrainingSettings(RunSettings):
    """What run_pretraining.py takes beside."""

    owners = {**RunSettings.owners, "objective": "objective"}
    # An objective's runs also take the options of reading what it learns from: of the "corpus" that it names.
    borrowed = {"objective": ("corpus", "reading_options")}
    script: typing.ClassVar[str] = "run_pretraining.py"

    input_file: str | None = setting(
        None,
        "Records of create_pretraining_data.py to train on: names or patterns, comma-separated.",
        False,
        holds=PATHS,
    )
    eval_file: str | None = setting(
        None,
        "Held-out records to evaluate on; by default, as in the original, those of --input_file.",
        False,
        holds=PATHS,
    )
    objective: str = setting(
        "masked_lm",
        "What is learned: masked_lm; response_ranking, to tell a text's response from other ones; causal_lm, to "
        "predict each token from those before it.",
        as_trained=OF_OBJECTIVE,
    )
    do_train: bool = setting(False, "Whether to run training.", False)
    do_eval: bool = setting(False, "Whether to run evaluation.", False)
    do_predict: bool = setting(False, "Whether to fill the [MASK]s of --predict_file and score its other lines.", False)
    predict_file: str | None = setting(
        None, "Lines of text; one without a [MASK] gets a pseudo-log-likelihood.", False, holds=PATH
    )
    encoding: str = setting("utf-8", f"{ENCODING} That is --predict_file.", False)
    predict_top_k: int = setting(5, "Tokens to name for each [MASK].", False)
    train_batch_size: int = setting(32, "Total batch size for training.")
    eval_batch_size: int = setting(8, "Total batch size for eval.", False)
    num_train_steps: int = setting(100000, "Number of training steps.")
    num_warmup_steps: int = setting(10000, "Number of warm-up steps.")
    max_eval_steps: int = setting(100, "Most batches of --eval_batch_size to evaluate.", False)


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
        "token_stream (all tokens in order, for causal_lm).",
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


@dataclasses.dataclass(frozen=True, kw_only=True)
class ExtractionSettings(Settings):
    """What extract_features.py takes."""

    input_file: str | None = setting(
        None, "A text a line, or a pair, `text_a ||| text_b`; .gz too; - reads stdin.", holds=PATH
    )
    encoding: str = setting("utf-8", ENCODING)
    text_a_column: str | None = setting(
        None, "Read --input_file as a table (.tsv, .csv, .jsonl, .parquet, .xlsx): name or number (from 0) of the "
        "text's column. Vectors are numbered from the first row after the header."
    )  # fmt: skip
    text_b_column: str | None = setting(None, "Of a table: of the second text's column, if there is one.")
    has_header: bool | None = setting(None, "Of a table: whether line 1 is a header; by default found out.")
    delimiter: str | None = setting(None, "Of a table: between columns; by default from the file's ending.")
    quoting: str = setting("auto", "Of a table: auto, minimal (as in CSV) or none.")
    output_file: str | None = setting(None, "Where the vectors go; - writes JSON lines to stdout.", holds=PATH)
    layers: str = setting(
        "-1,-2,-3,-4",
        "Layers: -1 is the last layer, 0 the first; -13 for a model of 12 layers (-7 for 6) means the embeddings. By "
        "default -1 for --unit=sentence.",
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
    output_format: str | None = setting(None, "jsonl, hdf5 or npz; by default by the ending of --output_file.")
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
    append: bool = setting(False, "Add to an output file that is there, instead of replacing it.")

    @classmethod
    def without_meaning(cls):
        """Names of flags of the original that TensorFlow 2 has no use for."""
        return ("use_tpu", "master", "num_tpu_cores", "use_one_hot_embeddings")
