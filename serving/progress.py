"""What a person sees while texts are encoded: a bar on a terminal or in a notebook, plain lines elsewhere."""

import importlib.util
import logging
import sys
import time
import warnings

SECONDS_BETWEEN_LINES = 10.0
SECONDS_BEFORE_BAR = 3.0  # of a call from Python: what is done sooner needs none


class TextProgress:
    """How far a job is.

    Args:
      total: texts in all; None where that is not known.
      done: texts that were done before.
      delay_seconds: how long nothing is shown.
      say: how a plain line is said, a logging function.
    """

    def __init__(self, total, done=0, delay_seconds=0.0, say=logging.info):
        self._total, self._first, self._say = total, done, say
        with_bar = sys.stderr.isatty() or in_notebook()
        self._bar = _bar_class()(
            total=total, initial=done, unit="text", dynamic_ncols=True, disable=not with_bar, delay=delay_seconds
        )
        self._plain, self._started = not with_bar, time.monotonic()
        self._last = self._started

    def show(self, done):
        """`done`: texts so far, those before among them."""
        self._bar.update(done - self._bar.n)
        now = time.monotonic()
        if self._plain and now - self._last > SECONDS_BETWEEN_LINES:
            self._last = now
            rate = (done - self._first) / (now - self._started)
            left = f", {(self._total - done) / rate:.0f} s left" if self._total and rate else ""
            self._say("%d%s texts, %.0f a second%s", done, f"/{self._total}" if self._total else "", rate, left)

    def close(self):
        self._bar.close()


def of_a_call(total, wanted):
    """A TextProgress for a call from Python, or None.

    Args:
      total: texts; None where that is not known.
      wanted: True: at once, and as plain lines on stderr where there is neither a terminal nor a notebook; None: a bar
        where there is one of them, after some seconds; False: nothing.
    """
    if importlib.util.find_spec("tqdm") is None:
        return None
    if wanted:
        return TextProgress(total, say=_to_stderr)
    if wanted is None and (sys.stderr.isatty() or in_notebook()):
        return TextProgress(total, delay_seconds=SECONDS_BEFORE_BAR)
    return None


def in_notebook():
    """Whether this is a Jupyter notebook, whose stderr is no terminal and shows a bar all the same."""
    python = sys.modules.get("IPython")
    shell = python.get_ipython() if python else None
    return getattr(shell, "kernel", None) is not None


def _bar_class():
    import tqdm  # a Client does without it

    if not in_notebook():
        return tqdm.tqdm
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its advice to install ipywidgets; a bar of letters does as well
        import tqdm.auto

        return tqdm.auto.tqdm


def _to_stderr(line, *values):
    print(line % values, file=sys.stderr, flush=True)
