"""A trained model at hand: labels or vectors of texts, how good they are, and the folder that keeps it."""

import os
import shutil
import weakref

from bertline.common.files import replace_folder
from bertline.errors import InputError
from bertline.facade.examples import ListProcessor, read_examples
from bertline.facade.tables import ColumnNames
from bertline.processors.files import paths
from bertline.processors.labels.whole_texts import LabelsOfTexts
from bertline.serving.prediction.predictor import Predictor
from bertline.training.folder import run_folder
from bertline.training.scores import score

# What a saved folder has: an output folder without checkpoints, records and pictures.
KEPT = ("model", run_folder.RUN_CONFIG, run_folder.LABEL_MAP)


class Model(Predictor):
    """A Predictor that can be evaluated and saved; `load` and `fit` make it. Threads may share one.

    `predict`, `tag`, `answer`, `rank`, `embed`, `encode`, `probabilities`, `attention`: see `serving.Predictor`.
    """

    def evaluate(self, texts, labels=None, *, metrics=None, text_a_column=None, text_b_column=None, label_column=None):
        """Scores of labelled texts, by the definitions of run_classifier.py.

        Args:
          texts, labels, text_a_column, text_b_column, label_column: as of `fit`.
          metrics: names of training/scores/; None: accuracy and f1_macro of classes; f1_micro and f1_macro of several
            labels; pearson, spearman, mae, rmse and r2 of scores.

        Returns:
          name -> float.

        Raises:
          InputError: an unknown label or metric, what is no text, a model that has no labels of whole texts.

        >>> import bertline
        >>> model = bertline.load("output/complaints")
        >>> scores = model.evaluate(["the lid came cracked", "where is my parcel?"], ["damaged_item", "order_status"])
        >>> sorted(scores)
        ['accuracy', 'f1_macro']
        """
        if not isinstance(self.labels, LabelsOfTexts):
            raise InputError(f"{self.folder.model}: evaluate is for models that give labels to whole texts")
        kind, names = self.labels.problem_type, ColumnNames(text_a_column, text_b_column, label_column)
        _, examples, _ = read_examples(texts, labels, names, kind)
        self.labels.check(examples, "dev")
        answers = self.probabilities([_text(example) for example in examples])
        if metrics is None:
            metrics = dict.fromkeys([*ListProcessor({}, problem_type=kind).metrics, *self.labels.scores])
        metrics = [metrics] if isinstance(metrics, str) else metrics
        return score.compute(metrics, self.labels.golds({}, examples), answers, self.labels.thresholds)

    def save(self, folder):
        """Writes a folder that `load`, serve.py, export_model.py and run_classifier.py take.

        `model/` in it is one of `transformers`. A model that was saved there before is replaced.

        Raises:
          InputError: something else is in the folder, it cannot be written, or the model is no folder.

        >>> import bertline
        >>> bertline.load("output/complaints").save("output/copy")
        >>> bertline.load("output/copy").predict(["the lid came cracked"])[0].label
        'damaged_item'
        """
        source, folder = os.path.abspath(self._model), os.path.abspath(paths.expand(folder, "the folder"))
        if not os.path.isdir(source):
            raise InputError(f"{source}: weights without a folder of their own; convert_checkpoint.py makes one")
        names = [name for name in KEPT if os.path.exists(os.path.join(source, name))] or os.listdir(source)
        if os.path.isfile(folder) or os.path.isdir(folder) and set(os.listdir(folder)) - set(names):
            raise InputError(f"{folder}: something else is there; give a new folder, or one of a saved model")
        if folder == source:
            return
        with replace_folder(folder) as new:
            for name in names:
                path = os.path.join(source, name)
                (shutil.copytree if os.path.isdir(path) else shutil.copy)(path, os.path.join(new, name))


def load(folder, **options):
    """The model of a folder: `predict`, `embed`, and `tag`, `answer` or `rank`, where it was trained for that.

    Args:
      folder: a folder of `Model.save`, an output folder of a script (of run_tagger.py for `tag`, of run_squad.py for
        `answer`, of run_classifier.py --objective=candidate_ranking for `rank`), a Hugging Face or
        sentence-transformers folder; for vectors all that --init_checkpoint takes.
      options: of `serving.Predictor`: max_seq_length, dtype, vocab_file, do_lower_case, low_latency.

    Returns:
      A Model.

    Raises:
      InputError: there is no model, or something does not fit; of a verb that is not the model's, which one is.

    >>> import bertline
    >>> model = bertline.load("output/complaints")
    >>> answers = model.predict(["the lid came cracked", "where is my parcel?"])
    >>> [answer.label for answer in answers]
    ['damaged_item', 'order_status']
    >>> bertline.load("models/minilm").embed(["the lid came cracked", "where is my parcel?"]).shape
    (2, 384)
    """
    return Model(paths.expand(folder, "the folder"), **options)


def load_and_remove(folder):
    """The Model of a run in a temporary folder, which goes when the model goes."""
    for name in set(os.listdir(folder)) - set(KEPT):
        path = os.path.join(folder, name)
        shutil.rmtree(path) if os.path.isdir(path) else os.remove(path)
    model = load(folder)
    weakref.finalize(model, shutil.rmtree, folder, ignore_errors=True)
    return model


def _text(example):
    return example.text_a if example.text_b is None else (example.text_a, example.text_b)
