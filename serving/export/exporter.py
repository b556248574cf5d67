"""A trained folder -> a SavedModel, loaded again and compared with what it was made of."""

import contextlib
import logging
import os

import numpy as np
import tensorflow as tf
import tensorflow_text  # noqa: F401  its operations are in the graphs that are loaded again

from bertline.common.files import replace_folder
from bertline.common.locks import Lock
from bertline.errors import InputError
from bertline.modeling.encoder import policy
from bertline.serving.export.int8_weights import Int8Weights
from bertline.serving.export.saved_module import ClassifierModule, VectorsModule, save
from bertline.serving.export.saved_ranker import RankerModule
from bertline.serving.export.saved_reader import ReaderModule
from bertline.serving.export.saved_tagger import TaggerModule
from bertline.serving.prediction.predictor import Predictor
from bertline.training.folder.checkpoint_files import PlainName
from bertline.weights.load_save import load_weights
from bertline.weights.open_model import open_model

# Beside words of the vocabulary: what a tokenizer could get wrong.
_ODD = (
    "",
    "Füße, naïve cafés!",
    "北京 Beijing",
    "ΌΣΟΣ Σ",
    "a\u0301\u0323b\u200bc",
    "İstanbul",
    "한국어",
    "🙂?",
    "x" * 201,
    "1,000 or 9, ``ﬁne'' ΑϹ",
)
_SAMPLES = 100
# Verb of the labels -> how the head is saved.
HEADS = {"predict": ClassifierModule, "tag": TaggerModule, "answer": ReaderModule, "rank": RankerModule}


def export(run):
    """Writes the SavedModel that the settings ask for.

    Args:
      run: ExportSettings, checked.

    Returns:
      (bytes of the folder, name of an output -> the largest difference between it and the live model in float32, what
      it can be called with: str or lists of str).

    Raises:
      InputError: what does not fit together, or the export gives something that is not finite.
    """
    live = Predictor(
        run.init_checkpoint,
        max_seq_length=run.max_seq_length,
        vocab_file=run.vocab_file,
        do_lower_case=run.do_lower_case,
        task=run.task_name,
    )
    if run.task == "classify" and live.labels is None:
        raise InputError(
            f"--init_checkpoint={run.init_checkpoint}: no classifier in it; --task=embed exports vectors, "
            "run_classifier.py --do_train makes a classifier"
        )
    if run.task == "classify":
        _check_head(run, live)
    logging.info("%s", live.report.table())
    logging.getLogger("tensorflow").setLevel(logging.WARNING)  # its lines about assets
    options = None
    if run.task == "embed":
        options = live.options(
            pooling=run.pooling, normalize=run.normalize, prompt=run.prompt, prompt_name=run.prompt_name
        )
    with _put_in_place(run.output_dir) as folder:
        head = _head(run, live, options)
        int8 = Int8Weights(head.model.variables) if run.dtype == "int8" else None
        save(head, live.layout if options else live.head_layout, folder, int8)
        differences = _differences(head, live, folder)
        _check_finite(differences, run)
        return _bytes_of(folder), differences, head.example


def _check_head(run, live):
    """Raises InputError for a head that no module of HEADS computes."""
    module = HEADS.get(live.labels.verb)
    if module is None:
        raise InputError(
            f"--init_checkpoint={run.init_checkpoint}: a model for {live.problem_type}, which is not exported; "
            "--task=embed exports the vectors"
        )
    if live.head_layout.stacks_texts and not module.stacks_texts:
        raise InputError(
            f"--task_name={run.task_name}: its head compares several texts of a row, which is not exported; "
            "--task=embed exports the vectors"
        )


def _head(run, live, options):
    """The same model once more: with padding removed, since nobody sorts what comes in, and at the wanted precision."""
    source = open_model(live.folder.model, vocab_file=run.vocab_file, do_lower_case=run.do_lower_case)
    dtype = "float32" if run.dtype == "int8" else run.dtype
    encoder = source.encoder_class(source.config, dtype=policy(dtype, for_training=False))
    encoder.build()
    load_weights(encoder, source.weights, allow_missing=encoder.optional_weights)
    if options:
        return VectorsModule(encoder, options)
    objective, labels = source.of_task(run.task_name).read_head(encoder)
    return HEADS[labels.verb](objective, labels)


def _samples(tokenizer):
    """Texts of different lengths."""
    draw = np.random.default_rng(0)
    tokens = sorted(tokenizer.vocab)
    return [*_ODD, *(" ".join(draw.choice(tokens, draw.integers(1, 60))) for _ in range(_SAMPLES))]


def _differences(head, live, folder):
    # TensorFlow takes brackets in the folder's name for a pattern.
    with contextlib.closing(PlainName(folder, [folder])) as plain:
        loaded = tf.saved_model.load(str(plain))
    texts, largest = _samples(live.tokenizer), {}
    for start in range(0, len(texts), 16):
        for name, found, expected in head.compare(loaded, live, texts[start : start + 16]):
            # Python's max would pass over a NaN that is not the first.
            part = np.max(np.abs(found - expected), initial=0.0)
            largest[name] = float(np.max([largest.get(name, 0.0), part]))
    return largest


def _check_finite(differences, run):
    for name, difference in differences.items():
        if not np.isfinite(difference):
            if run.dtype == "float16":
                reason = "--dtype=bfloat16 has the range of float32"
            else:
                reason = f"so may be weights of --init_checkpoint={run.init_checkpoint}"
            raise InputError(
                f"--dtype={run.dtype}: {name} of sample texts are NaN or infinity, nothing is written; {reason}"
            )


@contextlib.contextmanager
def _put_in_place(target):
    """A folder beside the target that takes its place when the block ends well, while nobody else writes there."""
    target = os.path.abspath(target)
    place, name = os.path.split(target)
    with Lock(
        os.path.join(place, f".{name}.lock"),
        f"--output_dir={target}: another command writes it; wait for its end, stop it, or give another folder",
    ):
        with replace_folder(target) as beside:
            yield beside


def _bytes_of(folder):
    return sum(os.path.getsize(os.path.join(place, name)) for place, _, names in os.walk(folder) for name in names)
