"""Signals that ask to stop are noted while a training runs, and only then."""

import os
import signal

import pytest

from simhand.training_runs.stop_requests import stop_requests


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGUSR1, signal.SIGINT])
def test_a_signal_is_noted_and_a_second_one_does_no_harm(number):
    before = signal.getsignal(number)
    with stop_requests() as stop:
        assert stop.signal_name is None
        os.kill(os.getpid(), number)
        os.kill(os.getpid(), signal.SIGTERM)
        assert stop.signal_name == number.name
    assert signal.getsignal(number) == before


def test_a_second_ctrl_c_ends_at_once():
    with pytest.raises(KeyboardInterrupt), stop_requests() as stop:
        os.kill(os.getpid(), signal.SIGINT)
        assert stop.signal_name == "SIGINT"
        os.kill(os.getpid(), signal.SIGINT)
