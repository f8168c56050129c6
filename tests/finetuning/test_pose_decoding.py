"""Decoding maps and lifting poses to metres: exact on exact data, never mirrored, never from the truth."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from drawn_freihand import random_hands

from simhand.datasets.samples import HandSamples, project
from simhand.finetuning.crop_geometry import Crop, transform_points
from simhand.finetuning.detnet import Maps
from simhand.finetuning.inference import InferredPoses
from simhand.finetuning.outputs import mean_bone_0_9_m, prediction_table
from simhand.finetuning.pose_decoding import (
    decode_maps,
    metric_pose,
    root_relative_errors_mm,
    solve_root_translation,
    to_image,
)
from simhand.finetuning.targets import delta_vectors, exact_heat_maps, location_vectors

K = np.array([[480.0, 0, 112], [0, 470, 108], [0, 0, 1]])


def perfect_maps(crop_xy: np.ndarray, joints: np.ndarray, size: int = 16) -> Maps:
    """What a perfect network would answer: the targets, tiled."""
    points, hands = torch.from_numpy(crop_xy), torch.from_numpy(joints)

    def tiled(vectors: torch.Tensor) -> torch.Tensor:
        return vectors[..., None, None].expand(-1, -1, -1, size, size)

    heat = exact_heat_maps(points, size, 4, 1.0).maps
    return Maps(heat, tiled(delta_vectors(hands)), tiled(location_vectors(hands)))


def test_peaks_below_one_cell_are_exact_and_in_x_y_order():
    rng = np.random.default_rng(0)
    points = rng.uniform(8, 56, (6, 21, 2))
    maps = perfect_maps(points, random_hands(6, 0))
    np.testing.assert_allclose(decode_maps(maps, below_cell=True).crop_xy, points, atol=1e-6)
    whole = decode_maps(maps, below_cell=False).crop_xy.numpy()
    assert np.array_equal(whole, (np.floor(points / 4) + 0.5) * 4)


def test_peaks_at_the_border_and_on_flat_maps_are_defined():
    maps = perfect_maps(np.tile([[1.0, 63.0]], (1, 21, 1)), random_hands(1, 0))
    assert decode_maps(maps, below_cell=True).crop_xy[0, 0].tolist() == [2.0, 62.0]
    flat = Maps(torch.zeros_like(maps.heat), maps.delta, maps.location)
    assert torch.isfinite(decode_maps(flat, below_cell=True).crop_xy).all()


def test_locations_are_read_at_the_maximum_of_their_own_joint():
    maps = Maps(torch.rand(2, 21, 16, 16), torch.rand(2, 21, 3, 16, 16), torch.rand(2, 21, 3, 16, 16))
    decoded = decode_maps(maps, below_cell=False)
    for sample, joint in ((0, 0), (1, 7), (1, 20)):
        row, column = divmod(int(maps.heat[sample, joint].argmax()), 16)
        assert torch.equal(decoded.location[sample, joint], maps.location[sample, joint, :, row, column])


def test_root_is_exact_on_noiseless_data():
    joints = random_hands(50, 3)
    intrinsics = np.tile(K, (50, 1, 1))
    root = solve_root_translation(project(joints, intrinsics), joints - joints[:, :1], intrinsics)
    np.testing.assert_allclose(root, joints[:, 0], atol=1e-10)


def test_root_holds_with_skewed_intrinsics_and_suffers_little_from_noise():
    joints = random_hands(50, 4)
    skewed = np.tile(K + [[0, 3.0, 0], [0, 0, 0], [0, 0, 0]], (50, 1, 1))
    points = project(joints, skewed)
    np.testing.assert_allclose(
        solve_root_translation(points, joints - joints[:, :1], skewed), joints[:, 0], atol=1e-10
    )
    noisy = points + np.random.default_rng(0).normal(0, 0.5, points.shape)
    root = solve_root_translation(noisy, joints - joints[:, :1], skewed)
    assert 0 < np.abs(root - joints[:, 0]).max() < 0.03


def test_noise_in_the_2d_joints_does_not_pull_the_root_towards_the_camera():
    joints = random_hands(400, 4)
    intrinsics = np.tile(K, (400, 1, 1))
    points = project(joints, intrinsics)
    noisy = points + np.random.default_rng(0).normal(0, 8, points.shape)
    root = solve_root_translation(noisy, joints - joints[:, :1], intrinsics)
    assert np.median(root[:, 2] / joints[:, 0, 2]) == pytest.approx(1, abs=0.03)


def test_root_of_collapsed_or_contradictory_predictions_is_finite_and_before_the_camera():
    joints = random_hands(20, 5)
    relative = joints - joints[:, :1]
    intrinsics = np.tile(K, (20, 1, 1))
    points = project(joints, intrinsics)
    for points_2d, pose in (
        (np.full_like(points, 100.0), np.zeros_like(relative)),
        (np.full_like(points, 100.0), relative),
        (points, np.zeros_like(relative)),
        (points, -relative),
        (224 - points, 3 * relative),
    ):
        root = solve_root_translation(points_2d, pose, intrinsics)
        assert np.isfinite(root).all()
        assert root[:, 2].min() >= 0.05 - 1e-9 and root[:, 2].max() <= 10 + 1e-9
        assert (pose + root[:, None])[..., 2].min() > 0


def test_scale_comes_from_bone_9_10_or_from_the_mean_hand():
    joints = random_hands(4, 5)
    relative = joints - joints[:, :1]
    location = location_vectors(torch.from_numpy(joints)).numpy() + 7
    given = np.linalg.norm(joints[:, 10] - joints[:, 9], axis=-1)
    np.testing.assert_allclose(metric_pose(location, given, np.nan), relative, atol=1e-12)
    assumed = metric_pose(location, np.full(4, np.nan), 0.1)
    np.testing.assert_allclose(np.linalg.norm(assumed[:, 9], axis=-1), 0.1)


def evaluation_samples(joints: np.ndarray, bone: np.ndarray, truth: bool = True) -> HandSamples:
    count = len(joints)
    intrinsics = np.tile(K, (count, 1, 1))
    labels = joints if truth else np.full_like(joints, np.nan)
    ids = np.arange(count)
    names = np.array([f"evaluation/rgb/{row:08d}.jpg" for row in ids])
    return HandSamples.filled(
        None,
        names,
        image_ids=ids,
        unique_ids=ids,
        joints_3d_m=labels,
        joints_2d_px=project(labels, intrinsics),
        intrinsics=intrinsics,
        bone_9_10_m=bone,
    )


def perfect_inference(joints: np.ndarray) -> InferredPoses:
    affine = np.stack(
        [Crop(np.array([110.0 + row, 90]), 150.0 + row).affine(64) for row in range(len(joints))]
    )
    points = project(joints, np.tile(K, (len(joints), 1, 1)))
    crop_xy = np.stack([transform_points(one, two) for one, two in zip(affine, points, strict=True)])
    return InferredPoses(crop_xy, location_vectors(torch.from_numpy(joints)).numpy(), affine)


def test_a_perfect_network_gives_the_true_hand_in_the_camera_frame_and_not_its_mirror():
    joints = random_hands(5, 6)
    bone = np.linalg.norm(joints[:, 10] - joints[:, 9], axis=-1)
    table = prediction_table(evaluation_samples(joints, bone), perfect_inference(joints), np.nan)
    prediction = np.array(table["prediction"].to_pylist()).reshape(-1, 21, 3)
    np.testing.assert_allclose(prediction, joints, atol=1e-9)
    points = np.array(table["prediction_2d"].to_pylist()).reshape(-1, 21, 2)
    np.testing.assert_allclose(points, project(joints, np.tile(K, (5, 1, 1))), atol=1e-9)
    assert table["scale_source"].to_pylist() == ["dataset"] * 5
    assert table["root_source"].to_pylist() == ["predicted"] * 5
    assert (
        table["id"].to_pylist()[3] == "00000003"
        and table["image"].to_pylist()[3] == "evaluation/rgb/00000003.jpg"
    )


def test_predictions_do_not_depend_on_the_truth():
    joints = random_hands(5, 7)
    bone = np.linalg.norm(joints[:, 10] - joints[:, 9], axis=-1)
    with_truth = prediction_table(evaluation_samples(joints, bone), perfect_inference(joints), np.nan)
    without = prediction_table(
        evaluation_samples(joints, bone, truth=False), perfect_inference(joints), np.nan
    )
    assert with_truth["prediction"].equals(without["prediction"])
    assert np.isnan(np.array(without["ground_truth"].to_pylist())).all()
    unknown = evaluation_samples(joints, np.full(5, np.nan))
    table = prediction_table(unknown, perfect_inference(joints), 0.1)
    prediction = np.array(table["prediction"].to_pylist()).reshape(-1, 21, 3)
    np.testing.assert_allclose(np.linalg.norm(prediction[:, 9] - prediction[:, 0], axis=-1), 0.1)
    assert table["scale_source"].to_pylist() == ["predicted"] * 5


def test_mean_bone_is_that_of_the_labels():
    joints = random_hands(3, 8)
    expected = np.mean([np.linalg.norm(hand[9] - hand[0]) for hand in joints])
    assert mean_bone_0_9_m(evaluation_samples(joints, np.ones(3))) == pytest.approx(expected)


def test_points_come_back_from_a_turned_crop():
    affine = Crop(np.array([100.0, 80.0]), 90.0, 0.7).affine(64)
    points = np.random.default_rng(0).uniform(0, 200, (1, 21, 2))
    np.testing.assert_allclose(to_image(affine[None], transform_points(affine, points)), points, atol=1e-9)


def test_epoch_choice_ignores_place_and_scale_but_not_mirroring():
    joints, all_visible = random_hands(4, 9), np.ones((4, 21), dtype=bool)
    assert root_relative_errors_mm(3 * joints + 5, joints, all_visible).max() < 1e-9
    assert root_relative_errors_mm(joints * [-1, 1, 1], joints, all_visible).min() > 10
    moved = joints.copy()
    moved[:, 8, 0] += 0.021
    assert root_relative_errors_mm(moved, joints, all_visible) == pytest.approx(1.0)


def test_epoch_choice_looks_at_visible_joints_of_hands_that_can_be_aligned():
    joints, visible = random_hands(3, 9), np.ones((3, 21), dtype=bool)
    moved = joints.copy()
    moved[:, 8, 0] += 0.021
    visible[0, 8] = visible[1, 9] = False
    visible[2, 10:] = False
    errors = root_relative_errors_mm(moved, joints, visible)
    assert errors[0] == pytest.approx(0, abs=1e-9) and np.isnan(errors[1])
    assert errors[2] == pytest.approx(2.1), "one of ten joints is off by 21 mm"


def test_left_hands_are_predicted_in_their_own_image():
    """The network sees a left hand mirrored; what is written projects into the image as it is."""
    joints = random_hands(3, 6)
    samples = replace(evaluation_samples(joints, np.full(3, np.nan)), mirror_width_px=np.array([640, 0, 640]))
    bone = float(np.linalg.norm(joints[0, 9] - joints[0, 0]))
    table = prediction_table(samples, perfect_inference(joints), bone)
    assert table["side"].to_pylist() == ["left", "right", "left"]
    truth = np.array(table["ground_truth"].to_pylist()).reshape(3, 21, 3)
    np.testing.assert_allclose(truth[[0, 2], :, 0], -joints[[0, 2], :, 0])
    np.testing.assert_allclose(truth[1], joints[1])
    intrinsics = np.array(table["intrinsics"].to_pylist()).reshape(3, 3, 3)
    pixels = np.array(table["prediction_2d"].to_pylist()).reshape(3, 21, 2)
    np.testing.assert_allclose(project(truth, intrinsics), pixels, atol=1e-3)
    mirrored = np.abs(pixels - samples.joints_2d_px)[..., 0].max(axis=1) > 1
    assert mirrored.tolist() == [True, False, True]
