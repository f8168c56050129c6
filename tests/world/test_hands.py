"""Anatomy, kinematics and poses."""

import numpy as np
import pytest
import torch

from simhand.world.anatomy import (
    ANGLE_INDEX,
    ANGLES,
    FINGERS,
    MEAN_BONES_M,
    MEAN_ROOTS_M,
    joint_limits_rad,
    sample_person,
)
from simhand.world.kinematics import pose_skeleton
from simhand.world.poses import POSE_CLASSES, pose_table, sample_hands, vary_angles
from simhand.world.views import rotation_from_view

ROOTS, BONES = torch.from_numpy(MEAN_ROOTS_M).float(), torch.from_numpy(MEAN_BONES_M).float()


def skeleton_of(pose: str):
    return pose_skeleton(pose_table()[[POSE_CLASSES.index(pose)]], ROOTS, BONES)


def test_every_pose_class_keeps_the_joint_limits():
    low, high = joint_limits_rad()
    poses = pose_table().numpy()
    assert (poses >= low - 1e-6).all() and (poses <= high + 1e-6).all()


def test_varied_poses_keep_the_joint_limits_and_reach_them():
    low, high = torch.from_numpy(joint_limits_rad()).float()
    noise = torch.randn(2000, len(ANGLES), generator=torch.Generator().manual_seed(0))
    angles = vary_angles(pose_table()[torch.arange(2000) % len(POSE_CLASSES)], noise, spread_deg=25)
    assert (angles >= low - 1e-6).all() and (angles <= high + 1e-6).all()
    assert (angles == low).any() and (angles == high).any()


def test_bones_keep_their_length_in_every_pose():
    joints = pose_skeleton(pose_table(), ROOTS, BONES).joints.double()
    for finger in range(5):
        chain = joints[:, 1 + 4 * finger : 5 + 4 * finger]
        lengths = (chain[:, 1:] - chain[:, :-1]).norm(dim=-1)
        torch.testing.assert_close(lengths, BONES[finger].double().expand_as(lengths), atol=1e-6, rtol=0)
    knuckles = joints[:, [5, 9, 13, 17]]
    torch.testing.assert_close(knuckles, knuckles[:1].expand_as(knuckles))


def test_flexion_bends_to_the_palm_and_abduction_to_the_ulnar_side():
    rest = pose_skeleton(torch.zeros(1, len(ANGLES)), ROOTS, BONES).joints[0]
    for finger in FINGERS[1:]:
        tip = 4 * FINGERS.index(finger) + 4
        for angle, axis, sign in (("mcp", 2, -1), ("pip", 2, -1), ("dip", 2, -1), ("abduction", 0, 1)):
            angles = torch.zeros(1, len(ANGLES))
            angles[0, ANGLE_INDEX[f"{finger}_{angle}"]] = 0.2
            moved = pose_skeleton(angles, ROOTS, BONES).joints[0, tip] - rest[tip]
            assert sign * moved[axis] > 0.003


def test_right_angle_at_the_knuckle():
    angles = torch.zeros(1, len(ANGLES))
    angles[0, ANGLE_INDEX["middle_mcp"]] = np.pi / 2
    joints = pose_skeleton(angles, ROOTS, BONES).joints[0]
    expected = joints[9] + torch.tensor([0.0, 0.0, -float(MEAN_BONES_M[2].sum())])
    torch.testing.assert_close(joints[12], expected, atol=1e-6, rtol=0)


@pytest.mark.parametrize("pose", ["pinch", "ok"])
def test_pinching_tips_meet(pose):
    joints = skeleton_of(pose).joints[0]
    # the tips' joints lie inside the flesh: pulps of 7 mm radius touch when they are 15 mm apart
    assert 0.008 < (joints[4] - joints[8]).norm() < 0.022


def test_fist_is_closed_and_open_palm_is_not():
    for pose, closed in (("fist", True), ("open_palm", False)):
        joints = skeleton_of(pose).joints[0]
        reach = (joints[[8, 12, 16, 20]] - joints[0]).norm(dim=-1)
        assert bool((reach < 0.095).all()) is closed


def test_forearm_continues_the_hand_and_bends_with_the_wrist():
    straight = pose_skeleton(torch.zeros(1, len(ANGLES)), ROOTS, BONES)
    assert straight.elbow[0, 1] < -0.35 and straight.elbow[0, [0, 2]].abs().max() < 1e-6
    angles = torch.zeros(1, len(ANGLES))
    angles[0, ANGLE_INDEX["wrist_flexion"]] = 0.5
    assert pose_skeleton(angles, ROOTS, BONES).elbow[0, 2] < -0.1


def test_left_is_the_mirror_of_right():
    skeleton = skeleton_of("gun").moved(
        rotation_from_view(torch.tensor([[0.4, 0.2, -0.3]])), torch.zeros(1, 3)
    )
    left = skeleton.mirrored(torch.tensor([True]))
    mirror = torch.tensor([-1.0, 1.0, 1.0])
    torch.testing.assert_close(left.joints, skeleton.joints * mirror)
    torch.testing.assert_close(left.rotations[0, 5, :, 1], skeleton.rotations[0, 5, :, 1] * mirror)
    torch.testing.assert_close(torch.linalg.det(left.rotations), -torch.linalg.det(skeleton.rotations))


def test_views_turn_the_hand_as_named():
    views = torch.deg2rad(torch.tensor([[0.0, 0, 0], [180, 0, 0], [0, 40, 0], [0, 0, 40]]))
    ulnar, distal, dorsal = rotation_from_view(views).unbind(-1)
    assert distal[0, 1] < -0.99 and dorsal[0, 2] > 0.99, "fingers up, palm to the camera"
    assert ulnar[0, 0] < -0.99, "thumb of a right hand to the right of the picture"
    assert dorsal[1, 2] < -0.99 and ulnar[1, 0] > 0.99, "back of the hand"
    assert distal[2, 2] > 0.5, "fingertips away from the camera"
    assert distal[3, 0] > 0.5, "clockwise"
    torch.testing.assert_close(torch.linalg.det(rotation_from_view(views)), torch.ones(4))


def test_people_differ_but_each_is_always_the_same():
    people = [sample_person(3, f"person{n:02d}") for n in range(6)]
    again = sample_person(3, "person02")
    np.testing.assert_array_equal(people[2].bones_m, again.bones_m)
    np.testing.assert_array_equal(people[2].skin_rgb, again.skin_rgb)
    palms = [np.linalg.norm(person.roots_m[2]) for person in people]
    assert max(palms) / min(palms) > 1.05
    assert min(palms) > 0.075 and max(palms) < 0.105


def test_sampled_hands_do_not_depend_on_the_count():
    few, many = sample_hands(50, 5, chunk=64), sample_hands(200, 5, chunk=64)
    np.testing.assert_array_equal(few.joints_m, many.joints_m[:50])
    assert few.keypoints_px.shape == (50, 21, 2) and many.joints_m.shape == (200, 21, 3)
    assert not np.array_equal(many.joints_m[:64], many.joints_m[64:128]), "chunks are drawn apart"


def test_sampled_keypoints_are_the_projection_and_sides_mirror():
    hands = sample_hands(400, 1, image_size_px=224)
    focal = 2.2 * 224
    projected = hands.joints_m[..., :2] / hands.joints_m[..., 2:] * focal + 112
    np.testing.assert_allclose(hands.keypoints_px, projected, atol=1e-3)
    assert 0.4 < hands.left.mean() < 0.6
    rights = sample_hands(400, 1, left_fraction=0.0)
    mirror = np.array([-1, 1, 1], dtype=np.float32)
    np.testing.assert_allclose(hands.joints_m[hands.left] * mirror, rights.joints_m[hands.left], atol=1e-6)
    np.testing.assert_array_equal(hands.joints_m[~hands.left], rights.joints_m[~hands.left])
    assert set(hands.pose_class) == set(range(len(POSE_CLASSES)))
