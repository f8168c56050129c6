"""What tests/golden/eval_protocols.npz holds, and how it is called there."""

import numpy as np

CASES = (
    "noisy",
    "pure_scaling",
    "rigid_motion_plus_noise",
    "mirrored",
    "partly_invisible",
    "zero_prediction",
    "perfect",
    "root_relative_unit_bone_prediction",
)
# Protocol: (name and unit of its records, the same for PCK and AUC, recorded units per millimetre).
RECORDS = {
    "simhand": ("simhand_visible_joints_mm", "simhand_visible_joints_from20to50mm_15steps", 1.0),
    "simhand_all_joints": ("simhand_all_joints_mm", "simhand_all_joints_from20to50mm_15steps", 1.0),
    "minimalhand_root9": ("minimalhand_root9_mm", "minimalhand_root9_from20to50mm_15steps", 1.0),
    "freihand_absolute": ("freihand_absolute_m", "freihand_absolute_m", 1e-3),
    "freihand_procrustes": ("freihand_procrustes_m", "freihand_procrustes_m", 1e-3),
    "dexycb_absolute": ("dexycb_absolute_mm", "dexycb_absolute_mm", 1.0),
    "dexycb_root_relative": ("dexycb_root_relative_mm", "dexycb_root_relative_mm", 1.0),
    "dexycb_procrustes": ("dexycb_procrustes_mm", "dexycb_procrustes_mm", 1.0),
}


def recorded_hands(recorded, case):
    return tuple(recorded[f"{case}__{name}"] for name in ("ground_truth_m", "prediction_m", "visible"))


def close(found, expected):
    """The tolerance of the records: 1e-9 of 1 + the largest value."""
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-9 * (1 + np.nanmax(np.abs(expected))))
