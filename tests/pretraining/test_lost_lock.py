"""A trainer whose lock another one has taken over stops, and writes nothing over what the other writes."""

import json

import pytest
from drawn_run import experiment

from simhand.errors import BusyError
from simhand.pretraining import train as trainer
from simhand.pretraining.data import load_hands
from simhand.pretraining.training import start_training
from simhand.training_runs.run_folder import open_run

pytestmark = pytest.mark.usefixtures("tiny_encoder", "one_thread")


@pytest.mark.parametrize("noticed", ["when it would save", "by its heartbeat"])
def test_it_stops_and_saves_nothing_more(run, small, tmp_path, monkeypatch, noticed):
    minutes = 0 if noticed == "when it would save" else 60
    settings = small.model_copy(update={"checkpoint_minutes": minutes})
    hands = load_hands(settings, run.folder, run.set_file, None, [], 1)
    backpropagate = trainer.backpropagate

    def taken_over(training, batch, epoch):
        if training.step == 3:
            path = tmp_path / "run" / "lock.json"
            path.write_text(json.dumps(json.loads(path.read_text()) | {"token": "another", "host": "node8"}))
            opened.lock.lost = noticed == "by its heartbeat"
        return backpropagate(training, batch, epoch)

    monkeypatch.setattr(trainer, "backpropagate", taken_over)
    with (
        open_run(tmp_path / "run", {}) as opened,
        pytest.raises(BusyError, match="on node8 .* has taken over"),
    ):
        trainer.pretrain(start_training(experiment("simclr"), settings), hands, opened, None)
    assert opened.checkpoints.steps() == ([] if minutes else [3, 2])
    assert (tmp_path / "run" / "lock.json").exists(), "it is the other one's"
