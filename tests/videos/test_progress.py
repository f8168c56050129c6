"""What a log tells of the progress of a shard, on a clock of its own."""

import logging

import pytest

from simhand.videos import progress as progress_module
from simhand.videos.progress import Progress


@pytest.fixture
def clock(monkeypatch):
    now = [1000.0]
    monkeypatch.setattr(progress_module.time, "monotonic", lambda: now[0])
    return now


def test_rates_and_the_time_left_are_those_of_this_job(clock, caplog):
    """Of 100 videos 40 were done before; this job does 10 in 50 s, so the other 50 take 250 s."""
    before = {"videos": 40, "frames": 4000, "hands": 70}
    with (
        caplog.at_level(logging.INFO, "simhand"),
        Progress({"videos": 100, "frames": None, "hands": None}, before) as progress,
    ):
        clock[0] += 50
        progress.advance({"videos": 10, "frames": 1500, "hands": 4})
        assert caplog.messages == [
            "50 of 100 videos, 5,500 frames, 74 hands; 0.2 videos/s, 30 frames/s, 0.08 hands/s; 250 s left"
        ]
        clock[0] += 1
        progress.advance({"frames": 1})
        assert len(caplog.messages) == 1, "not more often than every 30 s"
        clock[0] += 199
        progress.advance({"videos": 50})
    assert caplog.messages[-1].startswith("100 of 100 videos, 5,501 frames")
    assert caplog.messages[-1].endswith("; 0 s left")


def test_nothing_done_yet_is_no_division_by_zero(clock, caplog):
    with caplog.at_level(logging.INFO, "simhand"), Progress({"MB": 0.25, "videos": 1}):
        pass
    assert caplog.messages == ["0 of 0.25 MB, 0 of 1 videos; 0 MB/s, 0 videos/s; time left unknown"]


def test_a_terminal_shows_the_same_as_a_bar(clock, monkeypatch, capsys):
    import sys

    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    with Progress({"videos": 4, "frames": None}) as progress:
        clock[0] += 2
        progress.advance({"videos": 1, "frames": 60})
        clock[0] += 2
        progress.advance({"videos": 1, "frames": 60})
    shown = capsys.readouterr().err
    assert "50 %" in shown
    assert "2 of 4 videos, 120 frames; 0.5 videos/s, 30 frames/s; 4 s left" in shown
