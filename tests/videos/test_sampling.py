"""The rule that picks frames, on times alone and against a search through all frames."""

from fractions import Fraction

import numpy as np
import pytest
from numbered_clips import expected_frames

from simhand.videos.sampling import TimedFrame, every_nth_frame, last_frame_per_second


def picked(times_s):
    frames = [TimedFrame(index, Fraction(time_s), None) for index, time_s in enumerate(times_s)]
    return [(frame.index, frame.time_s) for frame in last_frame_per_second(frames)]


@pytest.mark.parametrize("rate", ["30", "30000/1001", "24000/1001", "60000/1001", "25", "5", "1", "1/3"])
def test_constant_rates(rate):
    times_s = [Fraction(7, 5) + n / Fraction(rate) for n in range(100)]
    assert picked(times_s) == expected_frames(times_s)


@pytest.mark.parametrize("seed", range(20))
def test_random_times(seed):
    rng = np.random.default_rng(seed)
    steps = rng.choice([1, 17, 33, 40, 999, 1000, 1001, 2500], size=200)
    times_s = [Fraction(int(ms), 1000) for ms in np.cumsum(steps) - 500]
    assert picked(times_s) == expected_frames(times_s)


def test_a_frame_exactly_on_a_second_is_that_seconds_frame():
    assert picked([0, Fraction(1, 2), 1, Fraction(3, 2), 2]) == [(0, 0), (2, 1), (4, 2)]


def test_a_frame_shown_for_long_stands_for_each_of_its_seconds():
    assert picked([0, Fraction(31, 10), 4]) == [(0, 0), (0, 0), (0, 0), (0, 0), (2, 4)]


def test_the_last_of_several_frames_at_one_time_is_taken():
    assert picked([0, 1, 1, Fraction(3, 2)]) == [(0, 0), (2, 1)]


def test_one_frame_and_none():
    assert picked([Fraction(5, 7)]) == [(0, Fraction(5, 7))]
    assert picked([]) == []


def test_only_one_frame_is_held_back():
    taken = []

    def frames():
        for n in range(100):
            taken.append(n)
            yield TimedFrame(n, Fraction(n, 10), None)

    chosen = last_frame_per_second(frames())
    assert next(chosen).index == 0
    assert len(taken) == 2
    assert next(chosen).index == 10
    assert len(taken) == 12


def test_released_step_ignores_time():
    frames = [TimedFrame(n, Fraction(n * n), None) for n in range(61)]
    assert [frame.index for frame in every_nth_frame(frames, 30)] == [0, 30, 60]
