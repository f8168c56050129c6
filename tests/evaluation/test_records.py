"""The other recorded evaluations: AssemblyHands, the image plane, other thresholds; and that none is left."""

import numpy as np
import pytest
from recorded import CASES, RECORDS, close, recorded_hands

from simhand.evaluation.curves import area_under_curve, first_within, pck_curve
from simhand.evaluation.image_plane import area_under_pck, end_point_error_px, pck_below
from simhand.evaluation.protocols import AUC_0_TO_50_MM, AUC_20_TO_50_MM, PROTOCOLS

JOINTS = 21


def assemblyhands_records(golden):
    recorded = golden("eval_protocols.npz")
    prefix = "assemblyhands__"
    return {key.removeprefix(prefix): recorded[key] for key in recorded if key.startswith(prefix)}


def one_hand(values, left, order):
    """Rows (N, 42, ...), right hands first, as hands (N, 21, ...) of the given side, wrist first."""
    sides = np.where(left.reshape(-1, *[1] * (values.ndim - 1)), values[:, JOINTS:], values[:, :JOINTS])
    return sides[:, order]


def test_equals_assemblyhands(golden):
    """The records hold ground truth in float32: 1e-6 mm."""
    found = assemblyhands_records(golden)
    left, order = found["hand_is_left"], found["permutation_to_wrist_first"]
    truth, prediction, valid = (
        one_hand(found[name], left, order)
        for name in ("ground_truth_camera_mm", "prediction_camera_mm", "valid")
    )
    scores = PROTOCOLS["assemblyhands"].score(truth / 1000, prediction / 1000, valid, left)
    expected = np.concatenate([found["per_joint_mean_mm"][order], found["per_joint_mean_mm"][JOINTS + order]])
    np.testing.assert_allclose(scores.per_joint_mpjpe_mm, expected, rtol=0, atol=1e-6)
    assert scores.mpjpe_mm == pytest.approx(found["mean_over_joints_mm"], abs=1e-6)
    assert np.isnan(scores.pck_auc) and not len(scores.pck)
    other = PROTOCOLS["assemblyhands"].score(truth / 1000, prediction / 1000, valid)
    assert abs(other.mpjpe_mm - scores.mpjpe_mm) > 1e-3, "the records must tell the sides apart"


def test_assemblyhands_camera_hands_follow_from_the_recorded_heat_map_space(golden):
    """The step before: pixels and relative depths are made metric with the true depth of the wrist."""
    found = assemblyhands_records(golden)
    crop = found["prediction_heatmap_space"] / [64, 64, 64] * [256, 256, 2] - [0, 0, 1]
    depth = crop[..., 2] * 200 + np.repeat(found["wrist_depth_right_left_mm"], JOINTS, axis=1)
    offset = crop[..., :2] - found["principal_point_after_crop"][:, None]
    metric = offset / found["focal_after_crop"][:, None] * depth[..., None]
    np.testing.assert_allclose(metric, found["prediction_camera_mm"][..., :2], atol=1e-6)
    np.testing.assert_allclose(depth, found["prediction_camera_mm"][..., 2], atol=1e-6)
    assert found["joint_names"][found["permutation_to_wrist_first"][0]].lower().endswith("wrist")


@pytest.mark.parametrize("case", CASES)
def test_equals_mmpose_in_the_image(golden, case):
    """mmpose holds distances in float32."""
    recorded = golden("eval_protocols.npz")
    truth, prediction, visible = (
        recorded[f"{case}__{name}"] for name in ("ground_truth_px", "prediction_px", "visible")
    )
    errors = np.linalg.norm(prediction - truth, axis=-1)
    expected = {
        name.removeprefix(f"{case}__mmpose_2d_"): recorded[name]
        for name in recorded
        if name.startswith(f"{case}__mmpose_2d_")
    }
    if np.isnan(expected["epe"]):
        assert np.isnan(end_point_error_px(errors, visible))
    else:
        assert end_point_error_px(errors, visible) == pytest.approx(expected["epe"], rel=1e-5, abs=1e-5)
    assert area_under_pck(errors, visible, 30) == pytest.approx(expected["auc_norm30"], abs=2e-3)
    assert area_under_pck(errors, visible, 60) == pytest.approx(expected["auc_norm60"], abs=2e-3)
    assert pck_below(errors, visible, 0.2, 100) == pytest.approx(expected["pck_thr0p2_norm100"], abs=2e-3)
    counted = visible.any(axis=0)
    per_joint = [pck_below(errors[:, [j]], visible[:, [j]], 0.2, 100) for j in np.flatnonzero(counted)]
    np.testing.assert_allclose(per_joint, expected["pck_per_joint"][counted], atol=2e-3)
    assert counted.sum() == expected["pck_joints_counted"]


@pytest.mark.parametrize("case", [case for case in CASES if case != "zero_prediction"])
@pytest.mark.parametrize("name", ["simhand", "simhand_all_joints"])
def test_equals_the_recorded_curves_from_0_to_50_mm(golden, name, case):
    recorded = golden("eval_protocols.npz")
    record = f"{case}__{RECORDS[name][1].replace('from20to50mm_15steps', 'from0to50mm_100steps')}"
    if f"{record}_auc" not in recorded:
        record = record.replace("visible", "all")
    scores = PROTOCOLS[name].score(*recorded_hands(recorded, case))
    curve = pck_curve(first_within(scores.errors_mm, AUC_0_TO_50_MM), scores.counted, len(AUC_0_TO_50_MM))
    if recorded[f"{record}_error_on_threshold"]:
        assert abs(area_under_curve(curve, AUC_0_TO_50_MM) - recorded[f"{record}_auc"]) < 0.03
    else:
        close(curve, recorded[f"{record}_pck_curve"])
        close(area_under_curve(curve, AUC_0_TO_50_MM), recorded[f"{record}_auc"])


def test_thresholds_are_the_recorded_ones(golden):
    recorded = golden("eval_protocols.npz")
    for name, thresholds in {
        "thresholds_freihand_m": AUC_0_TO_50_MM / 1000,
        "thresholds_dexycb_mm": AUC_0_TO_50_MM,
        "thresholds_simhand_from0to50mm_100steps": AUC_0_TO_50_MM,
        "thresholds_simhand_from20to50mm_15steps": AUC_20_TO_50_MM,
    }.items():
        np.testing.assert_allclose(thresholds, recorded[name], rtol=1e-15)


def test_no_recorded_case_or_array_is_left_out(golden):
    """What the tests of this folder compare, by name; the side of a hand alone is not predicted here."""
    recorded = golden("eval_protocols.npz")
    elsewhere = {"assemblyhands", "errors_given_directly"}
    assert set(recorded["case_names"]) - elsewhere == set(CASES)
    compared = {
        *("ground_truth_m", "prediction_m", "visible", "ground_truth_px", "prediction_px"),
        *("freihand_fails", "dexycb_fails", "simhand_aligned_m", "freihand_procrustes_aligned_m"),
        *("mmpose_none_mm", "mmpose_scale_mm", "mmpose_procrustes_mm", "mmpose_procrustes_aligned_mm"),
        *("hamer_root_relative_mm_per_sample", "hamer_procrustes_mm_per_sample"),
    }
    suffixes = ("mean", "median", "auc", "pck_curve", "per_joint_mean", "errors", "error_on_threshold")
    records = {name for errors, curve, _ in RECORDS.values() for name in (errors, curve)}
    records |= {name.replace("from20to50mm_15steps", "from0to50mm_100steps") for name in records}
    compared |= {f"{record}_{suffix}" for record in records for suffix in suffixes}
    left = {
        key
        for key in recorded
        if "__" in key
        and key.split("__")[0] not in elsewhere
        and key.split("__")[1] not in compared
        and not key.split("__")[1].startswith("mmpose_2d_")
    }
    assert left == set()
    assert not any(recorded[f"{case}__{tool}_fails"] for case in CASES for tool in ("freihand", "dexycb"))
