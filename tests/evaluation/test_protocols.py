"""Protocols against the numbers recorded from the reference programs, and what is defined beyond them."""

from typing import get_args

import numpy as np
import pytest
from recorded import CASES, RECORDS, close, recorded_hands

from simhand.evaluation.alignment import bone_scaled, least_squares_scaled
from simhand.evaluation.procrustes import (
    ProcrustesFit,
    procrustes_rotation,
    procrustes_with_reflection,
)
from simhand.evaluation.protocols import AUC_0_TO_50_MM, PROTOCOLS
from simhand.settings.evaluation import EvaluationSettings, ProtocolName

BONE_SCALED = ("simhand", "simhand_all_joints", "minimalhand_root9")


def test_every_name_has_a_protocol():
    assert {*PROTOCOLS, "mmpose_2d"} == set(get_args(ProtocolName)) == set(EvaluationSettings().protocols)


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("name", RECORDS)
def test_equals_the_recorded_numbers(golden, name, case):
    recorded = golden("eval_protocols.npz")
    hands = recorded_hands(recorded, case)
    errors_name, curve_name, per_mm = RECORDS[name]
    if f"{case}__{errors_name}_mean" not in recorded:
        assert name == "simhand" and hands[2].all()
        errors_name, curve_name = (text.replace("visible", "all") for text in (errors_name, curve_name))
    scores = PROTOCOLS[name].score(*hands)
    record = {
        key: recorded[f"{case}__{errors_name}_{key}"]
        for key in ("mean", "median", "per_joint_mean", "errors")
    }
    if case == "zero_prediction" and name in BONE_SCALED:
        assert np.isnan(record["mean"]) and scores.failed.all()
    else:
        assert not scores.failed.any()
        close(scores.mpjpe_mm * per_mm, record["mean"])
        close(scores.median_error_mm * per_mm, record["median"])
        close(scores.per_joint_mpjpe_mm * per_mm, record["per_joint_mean"])
        counted = np.isfinite(record["errors"])
        assert np.array_equal(counted, scores.counted)
        close(scores.errors_mm[counted] * per_mm, record["errors"][counted])
    if recorded[f"{case}__{curve_name}_error_on_threshold"]:
        assert abs(scores.pck_auc - recorded[f"{case}__{curve_name}_auc"]) < 0.03
    else:
        close(scores.pck_auc, recorded[f"{case}__{curve_name}_auc"])
        close(scores.pck, recorded[f"{case}__{curve_name}_pck_curve"])


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("name", ["mmpose_none", "mmpose_scale", "mmpose_procrustes"])
def test_equals_mmpose(golden, name, case):
    recorded = golden("eval_protocols.npz")
    scores = PROTOCOLS[name].score(*recorded_hands(recorded, case))
    expected = recorded[f"{case}__{name}_mm"]
    if np.isnan(expected):
        assert case == "zero_prediction" and scores.failed.all()
    else:
        assert not scores.failed.any()
        assert scores.mpjpe_mm == pytest.approx(expected, rel=1e-8, abs=1e-8)


@pytest.mark.parametrize("case", [case for case in CASES if case != "zero_prediction"])
def test_equals_hamer(golden, case):
    recorded = golden("eval_protocols.npz")
    hands = recorded_hands(recorded, case)
    for name, key in (("dexycb_root_relative", "root_relative"), ("procrustes_rotation", "procrustes")):
        per_sample = PROTOCOLS[name].score(*hands).errors_mm.mean(axis=1)
        np.testing.assert_allclose(
            per_sample, recorded[f"{case}__hamer_{key}_mm_per_sample"], rtol=1e-8, atol=1e-8
        )


@pytest.mark.parametrize("case", [case for case in CASES if case != "zero_prediction"])
def test_aligned_hands_equal_the_recorded_ones(golden, case):
    recorded = golden("eval_protocols.npz")
    truth, prediction, _ = recorded_hands(recorded, case)
    close(bone_scaled(truth, prediction), recorded[f"{case}__simhand_aligned_m"])
    close(procrustes_with_reflection(truth, prediction), recorded[f"{case}__freihand_procrustes_aligned_m"])
    rotated = procrustes_rotation(1000 * truth, 1000 * prediction)
    np.testing.assert_allclose(
        rotated, recorded[f"{case}__mmpose_procrustes_aligned_mm"], rtol=1e-8, atol=1e-6
    )


@pytest.fixture
def hands():
    """40 hands half a metre away, and predictions 5 mm off."""
    rng = np.random.default_rng(3)
    truth = rng.normal(0, 0.04, (40, 21, 3)) + [0.02, -0.03, 0.5]
    return truth, truth + rng.normal(0, 0.003, truth.shape), rng.random((40, 21)) < 0.8


def rotation(seed=0):
    matrix, _ = np.linalg.qr(np.random.default_rng(seed).normal(size=(3, 3)))
    return matrix * np.sign(np.linalg.det(matrix))


def test_what_each_protocol_forgives(hands):
    """Which rows are unmoved when predictions are moved, resized, turned or mirrored."""
    truth, prediction, visible = hands
    turned = (prediction - 0.4) @ rotation() + 0.4
    changes = {"moved": prediction + 0.3, "resized": 1.7 * prediction, "turned": turned}
    changes["mirrored"] = prediction * [-1, 1, 1]
    forgiven = {
        name: {
            change
            for change, changed in changes.items()
            if protocol.score(truth, changed, visible).mpjpe_mm
            == pytest.approx(protocol.score(truth, prediction, visible).mpjpe_mm, rel=1e-6)
        }
        for name, protocol in PROTOCOLS.items()
    }
    rigid = {"moved", "resized", "turned"}
    assert forgiven == {
        "simhand": {"moved", "resized"},
        "simhand_all_joints": {"moved", "resized"},
        "minimalhand_root9": {"moved", "resized"},
        "freihand_absolute": set(),
        "freihand_procrustes": rigid | {"mirrored"},
        "procrustes_rotation": rigid,
        "dexycb_absolute": set(),
        "dexycb_root_relative": {"moved"},
        "dexycb_procrustes": rigid | {"mirrored"},
        "assemblyhands": {"moved"},
        "mmpose_none": set(),
        "mmpose_scale": {"resized"},
        "mmpose_procrustes": rigid,
    }
    for name, protocol in PROTOCOLS.items():
        assert protocol.needs_root == ("moved" not in forgiven[name])
        assert protocol.needs_scale == ("resized" not in forgiven[name])


def test_mirrored_predictions_are_noticed(hands):
    truth, prediction, _ = hands
    assert not ProcrustesFit(truth, prediction).better_mirrored().any()
    assert ProcrustesFit(truth, prediction * [1, -1, 1]).better_mirrored().all()
    assert ProcrustesFit(truth, -prediction @ rotation()).better_mirrored().all()
    assert not ProcrustesFit(truth, np.full_like(truth, np.nan)).better_mirrored().any()


def test_invisible_joints_do_not_count_where_the_protocol_looks_at_visibility(hands):
    truth, prediction, visible = hands
    spoiled = np.where(visible[..., None] | (np.arange(21) % 9 == 0)[:, None], prediction, prediction + 1.0)
    for name in ("simhand", "mmpose_none"):
        expected = PROTOCOLS[name].score(truth, prediction, visible)
        assert PROTOCOLS[name].score(truth, spoiled, visible).mpjpe_mm == pytest.approx(expected.mpjpe_mm)
        assert PROTOCOLS[name].score(truth, spoiled, np.ones_like(visible)).mpjpe_mm > 100


@pytest.mark.parametrize("name", PROTOCOLS)
@pytest.mark.parametrize("broken", ["nan", "partly nan", "infinite", "huge"])
def test_failed_predictions_count_as_hands_shrunk_to_a_point(hands, name, broken):
    truth, prediction, _ = hands
    visible = np.ones((40, 21), bool)
    good = PROTOCOLS[name].score(truth, prediction, visible)
    spoiled = prediction.copy()
    spoiled[5], spoiled[6, 4:8] = np.nan, np.nan
    if broken == "nan":
        spoiled[6] = np.nan
    elif broken == "infinite":
        spoiled[6] = np.inf
    elif broken == "huge":
        spoiled[6] = prediction[6] * 1e200
    scores = PROTOCOLS[name].score(truth, spoiled, visible)
    anchor = {"root9": 9, "simhand": 0, "relative": 0, "assemblyhands": 0}
    joint = next((joint for key, joint in anchor.items() if key in name), None)
    point = (
        truth[5, joint]
        if joint is not None
        else np.zeros(3)
        if PROTOCOLS[name].needs_root
        else truth[5].mean(0)
    )
    np.testing.assert_allclose(
        scores.errors_mm[5], 1000 * np.linalg.norm(truth[5] - point, axis=1), atol=1e-9
    )
    assert scores.failed[5] and scores.failed.sum() == 2 - (broken == "huge" and not scores.failed[6])
    assert np.isfinite(scores.errors_mm).all()
    if broken != "huge" and name != "assemblyhands":
        assert scores.failed.tolist() == [row in (5, 6) for row in range(40)]
        hits = np.mean(np.delete(good.errors_mm, (5, 6), axis=0) <= scores.thresholds_mm[-1]) * 38 / 40
        assert scores.pck[-1] == pytest.approx(hits)
        assert scores.mpjpe_mm == pytest.approx(
            (np.delete(good.errors_mm, (5, 6), axis=0).sum() + scores.errors_mm[5:7].sum()) / (40 * 21)
        )


def test_predicted_bone_of_no_length_has_failed(hands):
    truth, prediction, visible = hands
    prediction[7, 9] = prediction[7, 0]
    for name in BONE_SCALED:
        assert np.flatnonzero(PROTOCOLS[name].score(truth, prediction, visible).failed).tolist() == [7]
    for name in set(PROTOCOLS) - set(BONE_SCALED):
        assert not PROTOCOLS[name].score(truth, prediction, visible).failed.any()


def test_undefined_alignments_are_nan_without_a_warning(hands):
    truth, prediction, _ = hands
    prediction[7] = 0.0
    with np.errstate(all="raise"):
        for align in (bone_scaled, least_squares_scaled, procrustes_rotation):
            undefined = np.isnan(align(truth, prediction)).all(axis=(1, 2))
            assert np.flatnonzero(undefined).tolist() == [7]


def test_hand_of_no_size_gives_the_centroid_as_freihand_does(hands):
    truth, prediction, visible = hands
    prediction[7] = prediction[7, 0]
    reflecting = PROTOCOLS["freihand_procrustes"].score(truth, prediction, visible)
    rotating = PROTOCOLS["procrustes_rotation"].score(truth, prediction, visible)
    assert not reflecting.failed.any() and np.flatnonzero(rotating.failed).tolist() == [7]
    np.testing.assert_allclose(reflecting.errors_mm[7], rotating.errors_mm[7], atol=1e-6)


def test_hand_of_no_size_far_from_the_camera_is_not_blown_up(hands):
    """Centring leaves rounding of a single point; scaled to the size of a hand it would look like one."""
    truth, _, visible = hands
    points = np.random.default_rng(0).uniform(-900, 900, (40, 1, 3)) * np.ones((21, 1))
    for name in ("procrustes_rotation", "mmpose_procrustes"):
        assert PROTOCOLS[name].score(truth, points, visible).failed.all()


def test_flat_hands_are_aligned_by_a_rotation(hands):
    """Joints in a plane leave the sign of the third axis open; a turn out of the plane is no reflection."""
    truth, _, visible = hands
    flat = truth * [1, 1, 0]
    scores = PROTOCOLS["procrustes_rotation"].score(flat, flat @ rotation(4) * 2 + 1, visible)
    assert scores.mpjpe_mm < 1e-9


def test_one_sample_and_no_visible_joint(hands):
    truth, prediction, visible = (array[:1] for array in hands)
    scores = PROTOCOLS["simhand"].score(truth, prediction, np.zeros_like(visible))
    assert np.isnan([scores.mpjpe_mm, scores.median_error_mm, scores.pck_auc]).all()
    assert np.isnan(scores.per_joint_mpjpe_mm).all()
    assert np.isfinite(PROTOCOLS["freihand_absolute"].score(truth, prediction, visible).mpjpe_mm)


def test_thresholds():
    assert len(AUC_0_TO_50_MM) == 100 and (AUC_0_TO_50_MM[0], AUC_0_TO_50_MM[-1]) == (0, 50)
    twenty = PROTOCOLS["simhand"].thresholds_mm
    assert len(twenty) == 15 and (twenty[0], twenty[-1]) == (20, 50)
