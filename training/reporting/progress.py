"""What a person sees while a run trains, and what is kept of it: progress, TensorBoard's events, metrics.csv."""

import logging

from bertline.common.progress import Progress
from bertline.training.reporting.history import History


class TrainingProgress:
    """Reports steps as they are done.

    Args:
      output_dir: where the events and the table go.
      first_step, last_step: of this call of the loop.
      batch_size: examples per step, about.
    """

    def __init__(self, output_dir, first_step, last_step, batch_size):
        self.first_step, self._last, self._batch_size, self._reported = first_step, last_step, batch_size, first_step
        self._history = History(output_dir, first_step)
        self._progress = Progress("step", last_step, "step", done=first_step, rate_unit="example", per_unit=batch_size)

    def report_steps(self, step, scalars, seconds):
        """Reports all steps since the last report.

        Args:
          scalars: name -> float, means over these steps.
          seconds: that they took; evaluations and checkpoints are not among them.
        """
        count, self._reported = step - self._reported, step
        tokens, examples = scalars.pop("tokens", 0.0), scalars.pop("examples", self._batch_size)
        rates = {
            "examples_per_second": count * examples / seconds,
            "tokens_per_second": count * tokens / seconds,
        }
        self._history.add(step, "train", {**scalars, **rates})
        shown = f"loss {scalars['loss']:.4f}, grad_norm {scalars['grad_norm']:.2f}, lr {scalars['learning_rate']:.2e}"
        self._progress.show(step, shown, seconds, line=step == self._last)

    def report_evaluation(self, step, metrics):
        """Reports an evaluation: name -> float."""
        self._history.add(step, "eval", metrics)
        line = ", ".join(f"{name} {value:.4f}" for name, value in metrics.items())
        with self._progress.pause():
            logging.info("step %d: %s", step, line)

    def close(self):
        self._progress.close()
        self._history.close()
