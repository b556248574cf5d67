"""What a person sees while texts are encoded: a bar on a terminal, plain lines elsewhere."""

import logging
import sys
import time

import tqdm

SECONDS_BETWEEN_LINES = 10.0


class TextProgress:
    """How far a job is.

    Args:
      total: texts in all; None where that is not known.
      done: texts that were done before.
    """

    def __init__(self, total, done=0):
        self._total, self._first = total, done
        on_terminal = sys.stderr.isatty()
        self._bar = tqdm.tqdm(total=total, initial=done, unit="text", dynamic_ncols=True, disable=not on_terminal)
        self._plain, self._started = not on_terminal, time.monotonic()
        self._last = self._started

    def show(self, done):
        """`done`: texts so far, those before among them."""
        self._bar.update(done - self._bar.n)
        now = time.monotonic()
        if self._plain and now - self._last > SECONDS_BETWEEN_LINES:
            self._last = now
            rate = (done - self._first) / (now - self._started)
            left = f", {(self._total - done) / rate:.0f} s left" if self._total else ""
            logging.info("%d%s texts, %.0f a second%s", done, f"/{self._total}" if self._total else "", rate, left)

    def close(self):
        self._bar.close()
