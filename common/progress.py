"""How far a job is: a bar on a terminal or in a notebook, a line every ten seconds elsewhere."""

import contextlib
import logging
import sys
import time
import warnings

SECONDS_BETWEEN_LINES = 10.0
# Where the shown rate forgets: it halves what it knows that often.
SECONDS_OF_RATE = 10.0


class Progress:
    """One job.

    The first `show` gives no rate and no time left, since the first step of a job makes its graph too.

    Args:
      what: begins the lines, as "prediction".
      total: units in all; None where that is not known.
      unit: of what is counted, as "text"; "B" for bytes.
      done: units that were done before.
      leave: whether the bar stays when the job ends.
      rate_unit, per_unit: what the rate counts, and how many of these a unit has.
      delay_seconds: how long no bar is shown.
      say: how a line is said, a function of a str.
    """

    def __init__(
        self, what, total, unit, done=0, leave=True, rate_unit=None, per_unit=1, delay_seconds=0.0, say=logging.info
    ):
        self._what, self._total, self._unit, self._done = what, total, unit, done
        self._rate_unit, self._per_unit, self._say = rate_unit or unit, per_unit, say
        self._count, self._seconds, self._is_first = 0.0, 0.0, True
        self._last_show = self._last_line = time.monotonic()
        self._bar = _make_bar(what, total, unit, done, leave, delay_seconds) if has_spectator() else None

    def show(self, done, more="", seconds=None, line=False):
        """Reports progress.

        Args:
          done: units so far, those before among them.
          more: what else to say, as "loss 0.5".
          seconds: that the units since the last call took; None: all the time since then.
          line: write the line now, where lines are written.
        """
        now = time.monotonic()
        if not self._is_first:
            self._count += done - self._done
            self._seconds += now - self._last_show if seconds is None else seconds
        self._is_first, self._done, self._last_show = False, done, now
        shown = [part for part in (more, *self._rate_and_left()) if part]
        if self._bar is not None:
            self._bar.set_postfix_str(", ".join(shown), refresh=False)
            self._bar.update(done - self._bar.n)
        elif line or now - self._last_line > SECONDS_BETWEEN_LINES:
            self._last_line = now
            count = f"{self._number(done)}/{self._number(self._total)}" if self._total else self._number(done)
            unit = " MB" if self._unit == "B" else ""
            self._say(", ".join([f"{self._what} {count}{unit}", *shown]))
        if self._seconds > SECONDS_OF_RATE:
            self._count, self._seconds = self._count / 2, self._seconds / 2

    def _rate_and_left(self):
        if self._seconds <= 0.0 or self._count <= 0:
            return []
        per_second = self._count / self._seconds
        rate = [f"{self._number(per_second * self._per_unit, '.1f')} {_plural(self._rate_unit)}/s"]
        left = (self._total - self._done) / per_second if self._total else 0
        return [*rate, f"{_clock(left)} left"] if left > 0 else rate

    def _number(self, value, form=".0f"):
        return f"{value / 1e6:.1f}" if self._unit == "B" else f"{value:{form}}"

    @contextlib.contextmanager
    def pause(self):
        """Around other lines, which would break the bar."""
        with self._bar.external_write_mode(file=sys.stderr) if self._bar is not None else contextlib.nullcontext():
            yield

    def close(self):
        if self._bar is not None:
            self._bar.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def has_spectator():
    """Whether stderr is a terminal or a Jupyter notebook, which shows a bar all the same."""
    python = sys.modules.get("IPython")
    shell = python.get_ipython() if python else None
    return getattr(shell, "kernel", None) is not None or bool(sys.stderr and sys.stderr.isatty())


def _make_bar(what, total, unit, done, leave, delay_seconds):
    """A tqdm bar, without its own estimates."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its advice to install ipywidgets; a bar of letters does as well
        import tqdm.auto

    counts = "{n_fmt}/{total_fmt}" if total else "{n_fmt} {unit}"
    start = "{l_bar}{bar}|" if total else "{desc}:"
    return tqdm.auto.tqdm(
        total=total,
        desc=what,
        unit=_plural(unit),
        unit_scale=unit == "B",
        initial=done,
        leave=leave,
        file=sys.stderr,
        dynamic_ncols=True,
        delay=delay_seconds,
        bar_format=f"{start} {counts} [{{elapsed}}{{postfix}}]",
    )


def _plural(unit):
    return "MB" if unit == "B" else f"{unit}s"


def _clock(seconds):
    minutes, seconds = divmod(int(seconds + 0.5), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{seconds:02d}" if hours else f"{minutes}:{seconds:02d}"
