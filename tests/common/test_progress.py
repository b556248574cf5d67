"""Progress: lines every ten seconds or a bar, and no estimate before there is something to estimate by."""

import io
import logging
import sys
import time

import pytest

from bertline.common import progress


@pytest.fixture
def clock(monkeypatch):
    """clock[0] is the time that the module sees."""
    now = [100.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    return now


@pytest.fixture
def lines(caplog):
    caplog.set_level(logging.INFO)
    return lambda: [record.getMessage() for record in caplog.records]


def test_a_line_every_ten_seconds(clock, lines):
    job = progress.Progress("prediction", 1000, "example")
    for second in range(1, 32):
        clock[0] += 1.0
        job.show(10 * second)
    assert lines() == [
        "prediction 110/1000, 10.0 examples/s, 1:29 left",
        "prediction 220/1000, 10.0 examples/s, 1:18 left",
    ]


def test_the_first_step_which_makes_the_graph_gives_no_estimate(clock, lines):
    job = progress.Progress("step", 50, "step", rate_unit="example", per_unit=8)
    clock[0] += 60.0
    job.show(1, "loss 1.0")
    clock[0] += 20.0
    job.show(21, "loss 0.5")
    assert lines() == ["step 1/50, loss 1.0", "step 21/50, loss 0.5, 8.0 examples/s, 0:29 left"]


def test_pauses_do_not_count_where_the_seconds_are_given(clock, lines):
    job = progress.Progress("step", 100, "step")
    job.show(1, seconds=5.0)
    clock[0] += 1000.0  # an evaluation
    job.show(11, seconds=2.0)
    assert lines() == ["step 11/100, 5.0 steps/s, 0:18 left"]


def test_the_rate_follows_the_last_seconds(clock, lines):
    job, done = progress.Progress("extraction", 10_000, "text"), 0
    for rate in (100, 1):
        for _ in range(60):
            clock[0] += 1.0
            done += rate
            job.show(done)
    assert lines()[-1].split(", ")[1] < "3" and " texts/s" in lines()[-1]


def test_an_unknown_total(clock, lines):
    job = progress.Progress("extraction", None, "text", done=7)
    for done in (8, 18):
        clock[0] += 11.0
        job.show(done)
    assert lines() == ["extraction 8", "extraction 18, 0.9 texts/s"]


def test_bytes_are_megabytes(clock, lines):
    job = progress.Progress("read", 4_000_000, "B")
    for done in (1_000_000, 2_000_000):
        clock[0] += 11.0
        job.show(done, f"{done // 100_000} instances")
    assert lines()[-1] == "read 2.0/4.0 MB, 20 instances, 0.1 MB/s, 0:22 left"


def test_what_ends_soon_says_nothing(clock, lines):
    with progress.Progress("prediction", 2, "example") as job:
        job.show(1)
        job.show(2)
    assert lines() == []


def test_a_bar_on_a_terminal(clock, lines, monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    with progress.Progress("prediction", 40, "example") as job:
        for done in (10, 20, 40):
            clock[0] += 5.0
            time.sleep(0.11)  # tqdm draws ten times a second at most
            job.show(done)
        with job.pause():
            pass
    shown = terminal.getvalue().rstrip("\n").split("\r")
    assert any("10/40" in one and "left" not in one for one in shown)
    assert any("20/40" in one and "2.0 examples/s, 0:10 left" in one for one in shown)
    assert "40/40" in shown[-1] and "left" not in shown[-1] and lines() == []
