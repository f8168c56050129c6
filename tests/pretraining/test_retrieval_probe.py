"""The probe: its scale by construction, and that a training does not feel it."""

import numpy as np
import pytest
import torch
from drawn_run import experiment
from torch import nn

from simhand.files.tables import read_table, write_table
from simhand.pretraining.data import load_hands
from simhand.pretraining.retrieval_probe import RetrievalProbe, make_probe, plain_views
from simhand.pretraining.training import start_training

pytestmark = pytest.mark.usefixtures("one_thread")


class Features(nn.Module):
    """An encoder that knows the hands: feature ``k`` of the rows it is shown in turn."""

    def __init__(self, features):
        super().__init__()
        self.features, self.shown = features, 0

    def forward(self, images):
        self.shown += len(images)
        return self.features[self.shown - len(images) : self.shown]


@pytest.fixture
def hands(run, small):
    return load_hands(small, run.folder, run.set_file, None, [], 1)


@pytest.fixture
def training(small):
    return start_training(experiment("peclr"), small)


def naive_distances(hands, probe):
    """Between keypoints centred on their mean, the farthest joint at 1, in a loop over pairs."""
    points = [2 * hands.keypoints[row].astype(np.float64) - 1 for row in probe.rows]
    points = [each - each.mean(axis=0) for each in points]
    points = [each / np.linalg.norm(each, axis=1).max() for each in points]
    return np.array([[np.linalg.norm(a - b) for b in points] for a in points])


def recordings_of(probe, run):
    groups = read_table(run.set_file, "set", ["group_id"])["group_id"].to_pylist()
    return [groups[row] for row in probe.rows]


def unit(angles):
    return torch.stack([torch.cos(angles), torch.sin(angles)], dim=1)


def found_by(probe, training, features):
    training.model.encoder = Features(features)
    return probe.measure(training)


def test_the_best_is_0_and_what_is_found_is_what_a_loop_finds(hands, run, training):
    probe = make_probe(hands, run.set_file, 24)
    apart, names = naive_distances(hands, probe) / 1.25, recordings_of(probe, run)
    features = torch.rand(24, 5)
    cosine = torch.nn.functional.cosine_similarity(features[:, None], features[None], dim=2).numpy()
    found, best, chance = [], [], []
    for i in range(24):
        others = [j for j in range(24) if names[j] != names[i]]
        found.append(apart[i][max(others, key=lambda j: cosine[i, j])])
        best.append(min(apart[i][j] for j in others))
        chance.append(np.mean([apart[i][j] for j in others]))
    said = found_by(probe, training, features)
    assert said["found"] == pytest.approx(np.mean(found), rel=1e-6)
    assert said["best"] == pytest.approx(np.mean(best), rel=1e-6, abs=1e-9)
    assert said["chance"] == pytest.approx(np.mean(chance), rel=1e-6)
    expected = (np.mean(found) - np.mean(best)) / (np.mean(chance) - np.mean(best))
    assert said["retrieval_error"] == pytest.approx(expected, abs=1e-6)
    # hands 2i and 2i + 1 are drawn in one pose: features that know it leave no error
    pose = torch.from_numpy(probe.rows // 2) * torch.pi / 14
    assert found_by(probe, training, unit(pose))["retrieval_error"] == pytest.approx(0, abs=1e-6)


def test_random_features_are_chance(training):
    """On many hands, where the mean over them is sure."""
    torch.manual_seed(0)
    points = torch.rand(600, 4, dtype=torch.float64)
    same = torch.eye(600, dtype=torch.bool)
    probe = RetrievalProbe(None, np.arange(600), torch.cdist(points, points), same)
    probe_of = RetrievalProbe.measure
    features = torch.randn(600, 64)
    object.__setattr__(probe, "_features", lambda _: features)
    assert probe_of(probe, training)["retrieval_error"] == pytest.approx(1, abs=0.1)


def test_hands_of_one_recording_are_never_neighbours(hands, run, training, tmp_path):
    """Every two hands of a pose are one recording here: the best is then another pose."""
    rows = read_table(run.set_file, "set").to_pylist()
    for number, row in enumerate(rows):
        row["group_id"] = f"g{number // 2}"
    write_table(tmp_path / "set.parquet", "set", rows)
    probe = make_probe(hands, tmp_path / "set.parquet", 24)
    pose = torch.from_numpy(probe.rows // 2) * torch.pi / 14
    said = found_by(probe, training, unit(pose))
    assert said["best"] > 0.05 and said["found"] > said["best"]


@pytest.mark.usefixtures("tiny_encoder")
def test_the_sample_is_always_the_same_and_can_be_off(hands, run):
    few = make_probe(hands, run.set_file, 7)
    assert len(few.rows) == 7 == len(set(few.rows)) and few.distance.shape == (7, 7)
    assert np.array_equal(few.rows, make_probe(hands, run.set_file, 7).rows)
    assert make_probe(hands, run.set_file, 0) is None
    assert len(make_probe(hands, run.set_file, 5000).rows) == 24


def test_one_recording_tells_nothing(hands, run, tmp_path, caplog):
    rows = [row | {"group_id": "all"} for row in read_table(run.set_file, "set").to_pylist()]
    write_table(tmp_path / "set.parquet", "set", rows)
    assert make_probe(hands, tmp_path / "set.parquet", 24) is None
    assert "no probe: the set has hands of one recording only" in caplog.text


def test_a_look_leaves_the_training_as_it_was(hands, run, training):
    probe = make_probe(hands, run.set_file, 24)
    before = {name: tensor.clone() for name, tensor in training.model.state_dict().items()}
    generator, drawn = torch.get_rng_state(), np.random.get_state()[1].copy()
    training.model.encoder.train()
    once, again = probe.measure(training), probe.measure(training)
    assert all(torch.equal(before[name], tensor) for name, tensor in training.model.state_dict().items())
    assert torch.equal(generator, torch.get_rng_state()) and np.array_equal(drawn, np.random.get_state()[1])
    assert all(module.training for module in training.model.encoder.modules())
    assert {**once, "seconds": 0} == {**again, "seconds": 0}


def test_plain_views_show_the_whole_hand_in_the_middle(run, small):
    """Joints lie within the view, centred, whatever the place of the hand in its crop."""
    hands = load_hands(small, run.folder, run.set_file, None, [], 1)
    images = plain_views(hands, np.arange(4), 32, torch.device("cpu"))
    assert images.shape == (4, 3, 32, 32) and torch.isfinite(images).all()
