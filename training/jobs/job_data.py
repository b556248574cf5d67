"""What a job learns from and is measured by: the side of a job that scripts differ in."""

import dataclasses
import typing
from collections.abc import Callable, Iterable, Sequence

import tensorflow as tf

from bertline.modeling.encoder import Encoder
from bertline.modeling.objective import Objective
from bertline.training.evaluation.evaluator import Evaluator
from bertline.training.reporting.model_card import Split
from bertline.training.reporting.page.run_facts import RunFacts
from bertline.training.steps.fixed_states import FixedStates
from bertline.weights.open_model import OpenedModel


@dataclasses.dataclass(frozen=True)
class Stream:
    """Batches to train on.

    Attributes:
      name: in checkpoints and logs.
      batches: seed -> an endless tf.data.Dataset whose iterator can be checkpointed.
      key: hash of the data, by which a folder knows its run again.
      size: what the log says of it.
      fixed_states: encoder -> FixedStates of the data, None where nothing is fixed; None where no row comes twice.
      loss_weight: how much its loss counts beside that of other streams.
      label_names: the classes in the order of their ids; () where there are none.
      given: name -> value of settings of its own; None: it has those of the run.
      num_examples: how many examples an epoch has.
    """

    name: str
    batches: Callable[[int], tf.data.Dataset]
    key: str
    size: str
    fixed_states: Callable[[Encoder], FixedStates | None] | None = None
    loss_weight: float = 1.0
    label_names: Sequence[str] = ()
    given: dict[str, typing.Any] | None = None
    num_examples: int = 0


class JobData:
    """Base: data of a task's processor, or of corpora.

    Attributes:
      vocab_file: the vocabulary that the data was made with, where it is known; else None.
      vocab_required: whether it is an error that no vocabulary is known.
      num_train_steps, num_warmup_steps: int, known after `open`.
      dev_key: hash of the data that evaluations are compared on; None where none are compared.
      best_metric: which of the evaluation's scores picks the best weights; None keeps the last ones.
      lower_is_better: whether its lowest value is the best.
      first_score, first_is_lower_better: the same of the score that whole runs are compared by; None: there is none.
      label_names: list of str, the classes in the order of their ids; () where there are none.
      model_entries: what config.json says beside the encoder's configuration.
      task_settings: task -> settings of its own, of several tasks, see `run_folder.TASKS`; {}: there are
        none.
    """

    vocab_file: str | None = None
    vocab_required: bool = True
    num_train_steps: int = 0
    num_warmup_steps: int = 0
    dev_key: str | None = None
    best_metric: str | None = None
    lower_is_better: bool = False
    first_score: str | None = None
    first_is_lower_better: bool = False
    label_names: Sequence[str] = ()
    model_entries: dict[str, typing.Any] = {}
    task_settings: dict[str, dict[str, typing.Any]] = {}

    def check(self) -> None:
        """Raises InputError for what cannot be, before a model is looked for."""

    def open(self, source: OpenedModel) -> None:
        """Checks data and model against each other, and counts the steps. Raises InputError.

        Args:
          source: an OpenedModel.
        """
        raise NotImplementedError

    def streams(self) -> list[Stream]:
        """list of Stream, what is trained on."""
        raise NotImplementedError

    def draw(self, step: tf.Tensor, seed: int) -> tf.Tensor | int:
        """The number of the stream that a step draws its batch from: a function of both alone.

        Args:
          step: int64 tensor, steps done before. seed: of the run.
        """
        return 0

    def record_sets(self) -> Iterable:
        """The RecordSets that are read."""
        raise NotImplementedError

    def make_objective(self, encoder: Encoder) -> Objective:
        """The Objective over a new encoder."""
        raise NotImplementedError

    def unread_initially(self, objective: Objective) -> str | None:
        """Pattern of weights that --init_checkpoint may lack; None: none."""
        raise NotImplementedError

    def unread_when_trained(self, objective: Objective) -> str | None:
        """Pattern of weights that a trained model may lack; None: none."""
        raise NotImplementedError

    def prepare(self) -> None:
        """Writes what the run needs on disk."""

    def evaluation(self, evaluator: Evaluator, is_new: bool) -> Callable[[], dict[str, float]]:
        """() -> scores, as the loop calls it; is_new: whether the run begins, rather than going on."""
        return lambda: self.scores(evaluator)[0]

    def calibrate(self, objective: Objective, evaluator: Evaluator, output_dir: str) -> bool:
        """Scales the logits of a trained head, where that is asked for; returns whether its weights have changed."""
        return False

    def scores(self, evaluator: Evaluator) -> tuple[dict[str, float], typing.Any]:
        """(name -> float as eval_results.txt says it, what `report` takes)."""
        raise NotImplementedError

    def report(self, output_dir: str, step: int, scores: dict[str, float], answered: typing.Any) -> None:
        """Writes what an evaluation leaves beside eval_results.txt.

        Args:
          step: that the weights are of. scores, answered: of `scores`.
        """

    def predict(
        self, objective: Objective, evaluator: Evaluator, output_dir: str, step: int, before_writing: Callable[[], None]
    ) -> dict[str, float] | None:
        """Writes the files of predictions. Returns scores of labelled rows, None where there are none.

        before_writing: is called when all is computed; raises where the folder is gone.
        """
        raise NotImplementedError

    def write_report(self, output_dir: str, objective: Objective, run: RunFacts) -> None:
        """Writes report.html of what this command has evaluated; nothing where that is nothing.

        Args:
          objective: with the weights that were evaluated. run: what is told of the command.
        """

    def write_beside_model(self, output_dir: str) -> None:
        """Writes what a trained folder has beside model/."""

    def splits(self, scores: dict[str, float]) -> list[Split]:
        """list of model_card.Split; scores: of the evaluation, {} where there was none."""
        raise NotImplementedError

    def card_scores(self, scores: dict, test_scores: dict) -> dict[str, dict]:
        """Name of a split -> (score -> float), for the model's card."""
        return {"dev": scores}

    def rows_of(self, error: Exception, seed: int) -> str:
        """Where the rows of a batch whose loss is not finite stand in the data, "" where that is not known.

        Args:
          error: TrainingDiverged or Interrupted. seed: of the run.
        """
        return ""

    def show(self) -> None:
        """Prints the first rows, and what would be done (--dry_run)."""
        raise NotImplementedError
