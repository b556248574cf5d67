"""Models, tasks, transforms -> scores: each text is encoded once per model."""

import dataclasses
import logging

import numpy as np

from bertline.common.progress import Progress
from bertline.errors import InputError
from bertline.serving.encoder import vector_options, vector_transform
from bertline.serving.encoder.text_encoder import TextEncoder
from bertline.serving.speed import cores
from bertline.serving.texts import input_lines
from bertline.settings.scripts import evaluate_vectors
from bertline.vector_evaluation import scores
from bertline.vector_evaluation.tasks import texts_of

TOKENS_OF_A_TEXT = 128  # that --batch_size speaks of


@dataclasses.dataclass(frozen=True)
class Result:
    """The scores of one task by one model and transform.

    Attributes:
      scores: metric -> float, not times 100. rows: how many were scored, of `split`.
      strength: scikit-learn's C that was chosen, a list of them where each fold has one; None for similarity.
      chosen_on: of what. fitted_on: what the transform was fitted on, None for none.
    """

    model: str
    transform: str
    task: str
    scores: dict
    split: str
    rows: int
    strength: float | list | None = None
    chosen_on: str | None = None
    fitted_on: str | None = None


def evaluate(run, tasks):
    """list of Result; saves the transform where the settings say so.

    Args:
      run: EvaluationSettings. tasks: list of EvaluationTask.

    Raises:
      InputError: what does not fit together, or has no score.
    """
    results = []
    for model in run.models:
        encoder = open_encoder(TextEncoder, model, run, window_stride=run.window_stride)
        results += _Model(run, model, encoder).results(tasks)
    return results


def open_encoder(encoder_class, model, run, **more):
    """A TextEncoder, or one of a class that derives from it, of a model; what was read is in the log.

    Args:
      run: EvaluationSettings. more: further arguments of the class.

    Raises:
      InputError: what cannot be read, or does not fit together.
    """
    encoder = encoder_class(
        model,
        max_seq_length=run.max_seq_length,
        dtype=run.dtype,
        bert_config_file=run.bert_config_file,
        vocab_file=run.vocab_file,
        do_lower_case=run.do_lower_case,
        batch_tokens=run.batch_size * TOKENS_OF_A_TEXT,
        batches_at_once=cores.share_between_batches(),
        **more,
    )
    logging.info("%s", encoder.report.table())
    return encoder


class _Model:
    """One encoder and the kind of vectors that is wanted of it."""

    def __init__(self, run, name, encoder):
        self._run, self._name, self._encoder = run, name, encoder
        layers = vector_options.parse_layers(run.layers)
        self._options = encoder.options(
            "sentence",
            run.pooling,
            layers,
            run.layer_mix,
            run.normalize,
            prompt=run.prompt,
            prompt_name=run.prompt_name,
        )
        self._made_with = vector_transform.provenance(encoder, self._options)
        self._ready = {}  # transforms that are the same for every task
        for name in run.transforms:
            if name.endswith(vector_transform.ENDING):
                self._ready[name] = self._load(name)
        if run.fit_texts:
            texts = list(input_lines.strip_lines(run.fit_texts, run.encoding))
            vectors = self._encode(run.fit_texts, texts)
            for name in evaluate_vectors.select_fitted(run.transforms):
                self._ready[name] = self._fit(name, vectors, texts)

    def results(self, tasks):
        return [result for task in tasks for result in self._results_of(task)]

    def _encode(self, what, texts):
        """The _Vectors of some texts."""
        texts, pieces, cut, done = list(dict.fromkeys(texts)), [], 0, 0
        if not texts:
            raise InputError(f"{what}: no text in it")
        with Progress("encoding", len(texts), "text", leave=False) as progress:
            for vectors in self._encoder.stream(texts, self._options):
                pieces.append(vectors.values[:, 0])
                cut += int(vectors.cut.sum())
                done += len(vectors.cut)
                progress.show(done)
        logging.info("%s: %d texts of %s", self._name, len(texts), what)
        if cut:
            logging.warning("%d of them have more than %d tokens and were truncated", cut, self._encoder.max_seq_length)
        values = np.concatenate(pieces)
        wrong = np.flatnonzero(~np.isfinite(values).all(axis=1))
        if len(wrong):
            raise InputError(
                f"{self._name}: the vectors of {len(wrong)} of {len(texts)} texts of {what} are not finite (first: "
                f"{texts[wrong[0]][:40]!r}); with --dtype=float16 numbers may overflow, else the weights are broken"
            )
        return _Vectors(texts, values)

    def _results_of(self, task):
        split, to_fit = task.fit_split
        needed = [*task.scored, *task.train, *task.dev]
        if task.is_similarity and set(self._ready) | {evaluate_vectors.NO_TRANSFORM} >= set(self._run.transforms):
            needed = task.scored
        vectors = self._encode(task.name, texts_of(needed))
        for name in self._run.transforms:
            transform, fitted_on = self._ready.get(name), None
            if transform is not None:
                fitted_on = f"{transform.texts} texts"
            elif name != evaluate_vectors.NO_TRANSFORM:
                transform = self._fit(name, vectors, texts_of(to_fit))
                fitted_on = f"{transform.texts} texts of {split}"
            try:
                result = self._score(task, vectors if transform is None else vectors.through(transform))
            except InputError as error:
                raise InputError(f"{self._name}, {task.name}, --transform={name}: {error}") from None
            logging.info("%s, %s: %s", task.name, name, ", ".join(f"{k} {v:.4f}" for k, v in result["scores"].items()))
            yield Result(
                self._name,
                name,
                task.name,
                split=task.scored_split,
                rows=len(task.scored),
                fitted_on=fitted_on,
                **result,
            )

    def _score(self, task, vectors):
        if task.is_similarity:
            gold = [example.label for example in task.scored]
            return {"scores": scores.similarity(*_pair(task.scored, vectors), gold, task.metrics)}
        classifier = scores.FrozenClassifier(self._run.folds, self._run.seed)
        scored, train, dev = (_rows(task.labels, rows, vectors) for rows in (task.scored, task.train, task.dev))
        if train is None:
            predicted, strength = classifier.predict_all(scored)
            chosen_on = f"{self._run.folds} folds, within each by {self._run.folds} of the rest"
        else:
            predicted, strength = classifier.predict(train, dev, scored)
            chosen_on = "dev" if dev is not None else f"{self._run.folds} folds of train"
        found = scores.classification(predicted, scored.y, len(task.labels), task.metrics)
        return {"scores": found, "strength": strength, "chosen_on": chosen_on}

    def _fit(self, name, vectors, texts):
        transform = vector_transform.fit(name, vectors(list(dict.fromkeys(texts))), self._made_with)
        logging.info("%s: fitted on %d texts", name, transform.texts)
        if self._run.save_transform:
            transform.save(self._run.save_transform)
            logging.info("written: %s", self._run.save_transform)
        return transform

    def _load(self, path):
        transform = vector_transform.load(path)
        transform.check(path, self._made_with)
        return transform


class _Vectors:
    """Different texts and their vectors, float32 [n, W]. Called with texts: theirs, in their order."""

    def __init__(self, texts, values):
        self._texts, self._values = texts, values
        self._place = {text: place for place, text in enumerate(texts)}

    def __call__(self, texts):
        return self._values[[self._place[text] for text in texts]]

    def through(self, transform):
        """The same texts with transformed vectors."""
        return _Vectors(self._texts, transform(self._values))


def _pair(examples, vectors):
    return vectors([e.text_a for e in examples]), vectors([e.text_b for e in examples])


def _rows(labels, examples, vectors):
    """The scores.Rows of examples; None where there are none."""
    if not examples:
        return None
    single = examples[0].text_b is None
    x = vectors([e.text_a for e in examples]) if single else scores.pair_features(*_pair(examples, vectors))
    ids = {str(label): number for number, label in enumerate(labels)}
    return scores.LabelledVectors(x, np.array([ids[str(example.label)] for example in examples]))
