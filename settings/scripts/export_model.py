"""What export_model.py takes; checked without TensorFlow."""

import dataclasses
import os

from bertline.errors import InputError
from bertline.modeling.dtypes import DTYPES
from bertline.serving.encoder import vector_options
from bertline.settings.base import CASING, PATH, Settings, setting
from bertline.settings.flags import check_choice, check_positive
from bertline.training.folder import run_folder

TASKS = ("classify", "embed")
SAVED_MODEL = "saved_model.pb"


@dataclasses.dataclass(frozen=True, kw_only=True)
class ExportSettings(Settings):
    """The flags of export_model.py."""

    init_checkpoint: str | None = setting(
        None,
        "What to export: an output directory of run_classifier.py, run_tagger.py or run_squad.py, or a Hugging Face "
        "folder; for --task=embed also a "
        "TensorFlow checkpoint (bert_model.ckpt) or a sentence-transformers folder.",
        holds=PATH,
    )
    output_dir: str | None = setting(None, "Folder of the SavedModel.", holds=PATH)
    overwrite_output_dir: bool = setting(False, "Replace a SavedModel that is in --output_dir already.")
    task: str = setting(
        "classify",
        "classify: what the model was trained for: labels and probabilities, a score, tags, answers, an order of "
        "candidates; embed: a vector of each text.",
    )
    task_name: str | None = setting(
        None, "Which task of a model of several tasks (run_classifier.py --task_name=mrpc,rte); others need no name."
    )
    max_seq_length: int | None = setting(
        None,
        "Longer texts are truncated. By default as the model was trained, else the model's own length, at most 512.",
    )
    pooling: str | None = setting(
        None,
        "For --task=embed: cls, mean, max, mean_sqrt_len, weighted_mean, last, several joined by +, or first_last. By "
        "default the model's own, else mean.",
    )
    normalize: bool | None = setting(None, "For --task=embed: give each vector length 1; by default as the model says.")
    prompt_name: str | None = setting(
        None,
        "For --task=embed: name of the prompt to put before each text, of those of a sentence-transformers "
        "folder; by default its own. It becomes part of the export.",
    )
    prompt: str | None = setting(
        None, "For --task=embed: text to put before each text, instead of a prompt's name; empty: none."
    )
    dtype: str = setting(
        "float32",
        "Of weights and computation: float32, bfloat16 or float16; int8: matrices of 8 bits, a quarter of the bytes, "
        "which are unpacked at each call and computed with in float32.",
    )
    vocab_file: str | None = setting(
        None, "The vocabulary file; by default the one beside --init_checkpoint.", holds=PATH
    )
    do_lower_case: bool | None = setting(None, CASING, False)


def check(run):
    """Raises InputError for what is wrong with the settings by themselves, or with the place of the output."""
    for name in ("init_checkpoint", "output_dir"):
        if not getattr(run, name):
            raise InputError(f"--{name} is needed")
    check_choice(run, "task", TASKS)
    check_choice(run, "dtype", (*DTYPES, "int8"))
    check_positive(run, "max_seq_length")
    if run.task == "classify" and (run.pooling, run.normalize, run.prompt, run.prompt_name) != (None,) * 4:
        raise InputError(
            "--pooling, --normalize, --prompt and --prompt_name are for --task=embed; a classifier has its own pooler"
        )
    if run.pooling == "none":
        raise InputError("--pooling=none: an export gives one vector per text; extract_features.py gives one per token")
    vector_options.vector_options(pooling=run.pooling or "mean")
    _check_place(run)


def _check_place(run):
    """A folder is replaced only where it is an export; nothing else is ever removed."""
    target = os.path.abspath(run.output_dir)
    if os.path.exists(target) and not os.path.isdir(target):
        raise InputError(f"--output_dir={run.output_dir}: a file; the name of a folder is needed")
    inside = os.path.join(os.path.abspath(run.init_checkpoint), "")
    if inside.startswith(os.path.join(target, "")):
        raise InputError(f"--output_dir={run.output_dir} holds --init_checkpoint; give another one")
    names = os.listdir(target) if os.path.isdir(target) else []
    if names and SAVED_MODEL not in names:
        raise InputError(f"--output_dir={run.output_dir}: holds {sorted(names)[0]}, which is no export; give a new one")
    if names and not run.overwrite_output_dir:
        raise InputError(f"--output_dir={run.output_dir}: holds a SavedModel; give another, or --overwrite_output_dir")
    run_folder.check_writable(run.output_dir)
