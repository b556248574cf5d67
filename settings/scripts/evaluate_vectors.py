"""What evaluate_vectors.py takes; checked without TensorFlow."""

import dataclasses
import os

from bertline.errors import InputError
from bertline.modeling.dtypes import DTYPES
from bertline.processors.files import paths
from bertline.serving.encoder import vector_options
from bertline.settings import flags
from bertline.settings.base import CASING, ENCODING, PATH, PATHS, Settings, setting
from bertline.training.folder import run_folder

SPLITS = ("test", "dev")
NO_TRANSFORM = "none"
_OF_NEIGHBOURS = ("contexts_file", "num_neighbours")
_OF_TASKS = (
    *("data_dir", "data_root", "split", "folds", "seed", "transform", "fit_texts", "save_transform", "pooling"),
    *("normalize", "prompt_name", "prompt", "window_stride"),
)


@dataclasses.dataclass(frozen=True, kw_only=True)
class EvaluationSettings(Settings):
    """The flags of evaluate_vectors.py."""

    init_checkpoint: str | None = setting(
        None,
        "The encoder, or several, comma-separated: a TensorFlow checkpoint (bert_model.ckpt), a Hugging Face or "
        "sentence-transformers folder, an output directory, a SavedModel folder or a TF Hub handle.",
        holds=PATHS,
    )
    tasks: str | None = setting(
        None,
        "What to score, comma-separated: TASK=FOLDER, TASK alone where --data_root or --data_dir says the folder, or "
        "files of your own with a header (text_a, text_b, score; or text, label): FILE, NAME=FILE, or NAME=FOLDER with "
        "train, dev and test. Pairs with a score: correlation of the cosine; classes: logistic regression on vectors.",
        holds=PATHS,
    )
    neighbours_of: str | None = setting(
        None,
        "Instead of --tasks: an ambiguous word, or several forms of it, comma-separated. Each of its contexts in "
        "--contexts_file is shown with those that are nearest by the word's vectors there.",
    )
    contexts_file: str | None = setting(
        None, "Of --neighbours_of: a context a line, or what the word means there, a tab, and the context.", holds=PATH
    )
    num_neighbours: int = setting(3, "Of --neighbours_of: how many are shown; neighbours.tsv has all.")
    data_dir: str | None = setting(None, "The folder of the only task.", holds=PATH)
    data_root: str | None = setting(
        None, "A folder that holds the tasks' folders by their names; STS-B is found for sts-b.", holds=PATH
    )
    split: str = setting(
        "test",
        "The rows that are scored: test, or dev. Without labels in test it is dev, without both all rows, by folds.",
    )
    folds: int = setting(
        10, "Of cross validation, where there is no dev split to choose the strength of the L2 term on."
    )
    seed: int = setting(1, "Of the folds.")
    output_dir: str | None = setting(
        None, "Where scores.tsv, scores.json and scores.png go, or neighbours.tsv and .png.", holds=PATH
    )
    transform: str = setting(
        NO_TRANSFORM,
        "What is done to the vectors, comma-separated, a column of the table each: none, whitening or whitening:DIM, "
        "remove_components[:N] (mean and first N principal components, by default 1), common_component[:N] (the same "
        "without the mean, as SIF does), or a file of --save_transform.",
        holds=PATHS,
    )
    fit_texts: str | None = setting(
        None,
        "A file of texts, one a line, to fit the transform on. By default those of the task's train split, or the "
        "scored ones where it has none; labels are never looked at.",
        holds=PATH,
    )
    encoding: str | None = setting(None, f"{ENCODING} By default each task's own, utf-8 for most.")
    save_transform: str | None = setting(
        None,
        "FILE.npz for the fitted transform: extract_features.py --transform takes it. --tasks may be left out.",
        holds=PATH,
    )
    pooling: str | None = setting(
        None,
        "Of a text's tokens: cls, mean, max, mean_sqrt_len, weighted_mean, last, several joined by +, or first_last. "
        "By default the model's own, else mean.",
    )
    layers: str = setting(
        "-1",
        "Layers: -1 is the last layer, 0 the first; -13 for a model of 12 layers (-7 for 6) means the embeddings.",
    )
    layer_mix: str = setting(
        "none", 'For several layers: mean, concat, or a file {"scalars": [...], "gamma": 1.0} as of ELMo.', holds=PATH
    )
    normalize: bool | None = setting(None, "Give each vector length 1; by default as the model says.")
    prompt_name: str | None = setting(
        None,
        "Name of the prompt to put before each text, of those of a sentence-transformers folder; by default its own.",
    )
    prompt: str | None = setting(None, "Text to put before each text, instead of a prompt's name; empty: none.")
    max_seq_length: int | None = setting(
        None, "Longer texts are truncated, or read in windows. By default the model's own length, at most 512."
    )
    window_stride: int | None = setting(
        None, "Read longer texts in overlapping windows that begin so many tokens apart, instead of truncating them."
    )
    dtype: str = setting("float32", "Numbers to compute with: float32, bfloat16 or float16.")
    batch_size: int = setting(32, "Texts of 128 tokens that are computed at once; of short ones more.")
    bert_config_file: str | None = setting(
        None, "The config json file of the model; by default the one beside --init_checkpoint.", holds=PATH
    )
    vocab_file: str | None = setting(
        None, "The vocabulary file, or a SentencePiece .model; by default the one beside --init_checkpoint.", holds=PATH
    )
    do_lower_case: bool | None = setting(None, CASING, False)

    @property
    def models(self):
        """list of str."""
        return parts(self.init_checkpoint)

    @property
    def transforms(self):
        """list of str."""
        return parts(self.transform)


def parts(text):
    """The parts of a comma-separated list, without repetitions."""
    return list(dict.fromkeys(paths.parts(text or "")))


def check(run):
    """Raises InputError for what is wrong with the settings by themselves."""
    if not run.models:
        raise InputError("--init_checkpoint is needed")
    if run.neighbours_of is None:
        _check_tasks(run)
    else:
        _check_neighbours(run)
    flags.check_choice(run, "dtype", DTYPES)
    flags.check_positive(run, "batch_size", "max_seq_length", "window_stride")
    if run.output_dir:
        run_folder.check_writable(run.output_dir)


def _refuse(run, names, why):
    """Raises InputError for the first of these settings that is given."""
    for field in dataclasses.fields(run):
        if field.name in names and getattr(run, field.name) != field.default:
            raise InputError(f"--{field.name} is of no use {why}; leave it out")


def _check_neighbours(run):
    if run.tasks:
        raise InputError("--neighbours_of shows contexts, --tasks scores vectors; give one of them")
    _refuse(run, _OF_TASKS, "with --neighbours_of, which compares single words as the model has them")
    if not run.neighbours_of.strip(" ,"):
        raise InputError("--neighbours_of is empty; a word is needed")
    if not run.contexts_file:
        raise InputError("--neighbours_of: --contexts_file is needed, a file with a context of the word a line")
    if not os.path.isfile(run.contexts_file):
        raise InputError(f"--contexts_file={run.contexts_file}: no such file")
    flags.check_positive(run, "num_neighbours")
    layers = vector_options.parse_layers(run.layers)
    if vector_options.vector_options("word", "mean", layers, run.layer_mix).num_states != 1:
        raise InputError(f"--layers={run.layers}: several vectors per word; --layer_mix=mean or concat joins them")


def _check_tasks(run):
    _refuse(run, _OF_NEIGHBOURS, "without --neighbours_of=WORD")
    if not parts(run.tasks) and not (run.save_transform and run.fit_texts):
        raise InputError("--tasks is needed, as --tasks=sts-b=FOLDER,trec=FOLDER or --tasks=FILE.tsv")
    flags.check_choice(run, "split", SPLITS)
    if run.folds < 2:
        raise InputError(f"--folds={run.folds}: at least 2 are needed")
    if not 0 <= run.seed < 1 << 32:
        raise InputError(f"--seed={run.seed}: a number from 0 to {(1 << 32) - 1} is needed")
    layers = vector_options.parse_layers(run.layers)
    options = vector_options.vector_options("sentence", run.pooling or "mean", layers, run.layer_mix)
    if options.unit != "sentence":
        raise InputError(f"--pooling={run.pooling}: one vector per text is needed")
    if options.num_states != 1:
        raise InputError(f"--layers={run.layers}: several vectors per text; --layer_mix=mean or concat joins them")
    _check_transforms(run)


def _check_transforms(run):
    from bertline.serving.encoder import vector_transform

    if not run.transforms:
        raise InputError("--transform is empty; none is a name too")
    for name in run.transforms:
        if name.endswith(vector_transform.ENDING):
            vector_transform.load(name)
        elif name != NO_TRANSFORM:
            vector_transform.parse(name)
    to_fit = select_fitted(run.transforms)
    if run.fit_texts:
        if not to_fit:
            raise InputError("--fit_texts: no transform is fitted; --transform=whitening is one that is")
        if not os.path.isfile(run.fit_texts):
            raise InputError(f"--fit_texts={run.fit_texts}: no such file")
    if not run.save_transform:
        return
    if not run.save_transform.endswith(vector_transform.ENDING):
        raise InputError(
            f"--save_transform={run.save_transform}: a name that ends in {vector_transform.ENDING} is needed"
        )
    if len(to_fit) != 1 or len(run.models) != 1 or not (run.fit_texts or len(parts(run.tasks)) == 1):
        raise InputError(
            "--save_transform keeps one transform: name one that is fitted in --transform, one model, and --fit_texts "
            "or one task"
        )
    run_folder.check_writable(os.path.dirname(run.save_transform) or ".")


def select_fitted(transforms):
    """Those of the names that are fitted."""
    return [name for name in transforms if name != NO_TRANSFORM and not name.endswith(".npz")]
