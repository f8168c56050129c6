"""Protocols against loops written from their definitions, on hands that the records do not hold."""

import numpy as np
import pytest
from scipy.linalg import orthogonal_procrustes

from simhand.evaluation.procrustes import ProcrustesFit
from simhand.evaluation.protocols import PROTOCOLS

EPSILON = 1e-8


def freihand_aligned(truth, prediction):
    centred_truth, centred = truth - truth.mean(0), prediction - prediction.mean(0)
    size_truth, size = np.linalg.norm(centred_truth) + EPSILON, np.linalg.norm(centred) + EPSILON
    matrix, scale = orthogonal_procrustes(centred_truth / size_truth, centred / size)
    return centred / size @ matrix.T * scale * size_truth + truth.mean(0)


def rotated(truth, prediction):
    """By trying both signs of the last axis and keeping the proper rotation."""
    centred_truth, centred = truth - truth.mean(0), prediction - prediction.mean(0)
    left, values, right = np.linalg.svd(centred.T @ centred_truth)
    for sign in (1, -1):
        matrix = left @ np.diag([1, 1, sign]) @ right
        if np.linalg.det(matrix) > 0:
            scale = (values * [1, 1, sign]).sum() / (centred**2).sum()
            return scale * centred @ matrix + truth.mean(0)
    raise AssertionError


def bone(hand):
    return np.linalg.norm(hand[9] - hand[0])


ALIGN = {
    "simhand": lambda t, p: t[0] + bone(t) / bone(p) * (p - p[0]),
    "simhand_all_joints": lambda t, p: t[0] + bone(t) / bone(p) * (p - p[0]),
    "minimalhand_root9": lambda t, p: t[9] + bone(t) / bone(p) * (p - p[9]),
    "freihand_absolute": lambda t, p: p,
    "dexycb_absolute": lambda t, p: p,
    "mmpose_none": lambda t, p: p,
    "freihand_procrustes": freihand_aligned,
    "dexycb_procrustes": lambda t, p: freihand_aligned(1000 * t, 1000 * p) / 1000,
    "procrustes_rotation": rotated,
    "mmpose_procrustes": rotated,
    "dexycb_root_relative": lambda t, p: p - p[0] + t[0],
    "assemblyhands": lambda t, p: p - p[0] + t[0],
    "mmpose_scale": lambda t, p: (p * t).sum() / (p * p).sum() * p,
}
VISIBLE_ONLY = {"simhand", "assemblyhands", "mmpose_none", "mmpose_scale", "mmpose_procrustes"}


def naive(name, truth, prediction, visible, left):
    """Mean error in mm, one joint of one hand after the other."""
    joints = {}
    for t, p, seen, is_left in zip(truth, prediction, visible, left, strict=True):
        aligned = ALIGN[name](t, p)
        for j in range(21):
            if seen[j] or name not in VISIBLE_ONLY:
                group = "all" if name.startswith("mmpose") else j
                group = (group, is_left) if name == "assemblyhands" else group
                joints.setdefault(group, []).append(1000 * np.linalg.norm(aligned[j] - t[j]))
    return np.mean([np.mean(errors) for errors in joints.values()])


def random_hands(count=12, seed=0):
    rng = np.random.default_rng(seed)
    truth = rng.normal(0, 0.04, (count, 21, 3)) + [0.05, -0.02, 0.6]
    visible = rng.random((count, 21)) < 0.6
    visible[:, 7] = False
    visible[3] = False
    return truth, truth + rng.normal(0, 0.01, truth.shape), visible, rng.random(count) < 0.4


@pytest.mark.parametrize("name", PROTOCOLS)
@pytest.mark.parametrize(
    "change", ["none", "mirrored", "half mirrored", "one hand", "no right hand", "far", "tiny"]
)
def test_equals_a_loop(name, change):
    truth, prediction, visible, left = random_hands()
    if change == "mirrored":
        prediction = prediction * [-1, 1, 1]
    elif change == "half mirrored":
        prediction[::2] *= [-1, 1, 1]
    elif change == "one hand":
        truth, prediction, visible, left = (array[:1] for array in (truth, prediction, visible, left))
    elif change == "no right hand":
        left[:] = True
    elif change == "far":
        prediction = prediction + [3.0, -2.0, 20.0]
    elif change == "tiny":
        prediction = prediction * 1e-4
    scores = PROTOCOLS[name].score(truth, prediction, visible, left)
    assert scores.mpjpe_mm == pytest.approx(naive(name, truth, prediction, visible, left), rel=1e-9)


@pytest.mark.parametrize("name", PROTOCOLS)
def test_float32_hands_are_computed_with_in_float64(name):
    truth, prediction, visible, left = random_hands()
    single = truth.astype(np.float32), prediction.astype(np.float32)
    scores = PROTOCOLS[name].score(*single, visible.astype(np.uint8), left)
    expected = naive(name, *(array.astype(np.float64) for array in single), visible, left)
    assert scores.mpjpe_mm == pytest.approx(expected, rel=1e-9)


def test_wrong_shapes_are_told():
    truth, prediction, visible, _ = random_hands()
    with pytest.raises(ValueError, match=r"found \[\(12, 21, 3\), \(12, 20, 3\)"):
        PROTOCOLS["simhand"].score(truth, prediction[:, :20], visible)


@pytest.mark.parametrize("name", PROTOCOLS)
def test_true_hand_of_no_size(name):
    """A label that is one point cannot be told from any hand shrunk to it; nothing becomes NaN."""
    truth, prediction, visible, left = random_hands()
    truth[5] = truth[5, 0]
    scores = PROTOCOLS[name].score(truth, prediction, visible, left)
    assert np.isfinite(scores.errors_mm).all() and not scores.failed.any()
    if name not in ("freihand_absolute", "dexycb_absolute", "mmpose_none", "mmpose_scale"):
        relative = name in ("dexycb_root_relative", "assemblyhands")
        assert (scores.errors_mm[5].max() > 1) == relative


def test_flat_hands_are_not_called_mirrored():
    """Joints in a plane fit as well mirrored; the sign of the third axis is chance."""
    truth, _, _, _ = random_hands(40)
    flat = truth * [1, 1, 0] + [0, 0, 0.5]
    assert not ProcrustesFit(flat, flat * 1.1 + 0.2).better_mirrored().any()
    assert not ProcrustesFit(truth, np.full_like(truth, 0.5)).better_mirrored().any()
