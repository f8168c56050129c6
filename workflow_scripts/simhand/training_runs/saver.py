"""Saves a training when it is time to, and ends it when it is told to."""

from dataclasses import dataclass

from simhand.errors import StoppedError
from simhand.training_runs.divergence import check_weights
from simhand.training_runs.recorder import RunRecorder
from simhand.training_runs.run_folder import TrainingRun
from simhand.training_runs.stop_requests import StopRequest
from simhand.training_runs.training_state import TrainingState


@dataclass(frozen=True)
class Saver:
    """Saves ``training`` in the folder of its ``run``, in the process that has a ``recorder``."""

    training: TrainingState
    run: TrainingRun
    recorder: RunRecorder | None
    stop: StopRequest

    def told_to_stop(self) -> bool:
        """Whether a signal has come to this process, or another trainer has taken over."""
        return self.stop.signal_name is not None or (self.run.lock is not None and self.run.lock.lost)

    def save_or_stop(self, stopping: bool) -> None:
        """Save if it is time to, or if ``stopping``; then stop. What is not worth saving is not saved.

        Raises:
            StoppedError: it stops; all is saved that is worth it.
            BusyError: another trainer has taken over; nothing is saved.
            DivergedError: the weights are not finite; nothing is saved.
            DiskFullError: no room; the last checkpoint is kept.
        """
        if stopping or self.run.checkpoints.is_due(self.training.settings.checkpoint_minutes):
            self._save()
        if stopping:
            saved = "and saved; the same command continues there"
            if not self.training.worth_saving():
                saved = "but not saved: it is failing; the same command continues from the last checkpoint"
            raise StoppedError(
                f"stopped after step {self.training.step} "
                f"({self.stop.signal_name or 'another process was told to'}) {saved}"
            )

    def save_last(self) -> None:
        """Save the training as it has ended, and leave one checkpoint; raises as :meth:`save_or_stop`."""
        self._save()
        if self.recorder is not None:
            self.run.checkpoints.forget_older(1)

    def _save(self) -> None:
        if self.recorder is None:
            return
        if self.run.lock is not None:
            self.run.lock.check()
        if not self.training.worth_saving():
            return
        check_weights(self.training)
        self.training.history_bytes = self.recorder.history_bytes()
        self.run.checkpoints.save(self.training.step, self.training.state())
