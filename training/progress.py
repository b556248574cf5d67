"""What a person sees while a run trains: a bar on a terminal, plain lines elsewhere, TensorBoard events always."""

import contextlib
import logging
import sys
import time

import tensorflow as tf
import tqdm

SECONDS_BETWEEN_LINES = 10.0


class Progress:
    """Reports steps as they are done.

    Args:
      output_dir: where the events go.
      first_step, last_step: of this call of the loop.
      batch_size: examples per step.
    """

    def __init__(self, output_dir, first_step, last_step, batch_size):
        self.first_step, self._last, self._batch_size = first_step, last_step, batch_size
        self._reported, self._steps, self._seconds = first_step, 0, 0.0
        self._last_line = time.monotonic()
        self._writer = tf.summary.create_file_writer(output_dir)
        on_terminal = sys.stderr.isatty()
        self._bar = tqdm.tqdm(
            total=last_step, initial=first_step, unit="step", dynamic_ncols=True, disable=not on_terminal, leave=True
        )
        self._plain = not on_terminal

    def steps_done(self, step, scalars, seconds):
        """Reports all steps since the last report.

        Args:
          scalars: name -> float, means over these steps.
          seconds: that they took; evaluations and checkpoints are not among them.
        """
        count, self._reported = step - self._reported, step
        self._steps, self._seconds = self._steps + count, self._seconds + seconds
        tokens = scalars.pop("tokens", 0.0)
        rates = {
            "examples_per_second": count * self._batch_size / seconds,
            "tokens_per_second": count * tokens / seconds,
        }
        with self._writer.as_default(step=step):
            for name, value in {**scalars, **rates}.items():
                tf.summary.scalar(f"train/{name}", value)
        shown = f"loss {scalars['loss']:.4f}, grad_norm {scalars['grad_norm']:.2f}, lr {scalars['learning_rate']:.2e}"
        rate = self._steps * self._batch_size / self._seconds  # of the last ten seconds or so, that it stands still
        self._bar.set_postfix_str(f"{shown}, {rate:.1f} examples/s", refresh=False)
        self._bar.update(step - self._bar.n)
        if time.monotonic() - self._last_line > SECONDS_BETWEEN_LINES or step == self._last:
            left = _clock(self._seconds / self._steps * (self._last - step))
            if self._plain:
                logging.info("step %d/%d: %s, %.1f examples/s, %s left", step, self._last, shown, rate, left)
            self._last_line, self._steps, self._seconds = time.monotonic(), 0, 0.0

    def evaluated(self, step, metrics):
        with self._writer.as_default(step=step):
            for name, value in metrics.items():
                tf.summary.scalar(f"eval/{name}", value)
        line = ", ".join(f"{name} {value:.4f}" for name, value in metrics.items())
        with tqdm.tqdm.external_write_mode(file=sys.stderr) if not self._plain else contextlib.nullcontext():
            logging.info("step %d: %s", step, line)

    def close(self):
        self._bar.close()
        self._writer.close()


def _clock(seconds):
    minutes, seconds = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{seconds:02d}" if hours else f"{minutes}:{seconds:02d}"
