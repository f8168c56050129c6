"""A hand in a picture is predicted as fine-tuning predicts its evaluation images, whichever side it is."""

import dataclasses

import numpy as np
import pytest
import torch
from drawn_freihand import write_split
from PIL import Image

from simhand.datasets.freihand import load_freihand
from simhand.errors import ConfigError
from simhand.finetuning.hand_dataset import HandDataset
from simhand.finetuning.images import ImageStore
from simhand.finetuning.inference import infer_poses
from simhand.finetuning.outputs import prediction_table
from simhand.hands.detector import DetectedHand
from simhand.prediction.camera import FieldOfView, GivenMatrix
from simhand.prediction.predictor import HandPredictor

CPU = torch.device("cpu")


@pytest.mark.parametrize("release", [False, True])
def test_predictions_are_those_of_the_evaluation_of_a_fine_tuning(tmp_path, model, release):
    if release:
        changed = {"negative_images": True, "warp": "nearest", "crop_geometry": "truncated"}
        model = model._replace(settings=model.settings.model_copy(update=changed))
    write_split(tmp_path, "evaluation", 3, 1, seed=2)
    samples = load_freihand(tmp_path, "evaluation", scale_given=False)
    store = ImageStore(samples, 100, model.settings.negative_images, 1)
    dataset = HandDataset(samples, store, model.settings, model.crop_factor, seed=0)
    poses = infer_poses(model.network, dataset, np.arange(3), model.settings, 0)
    expected = prediction_table(samples, poses, model.bone_0_9_m).to_pylist()
    for row, want in enumerate(expected):
        k = samples.intrinsics[row]
        predictor = HandPredictor(model, GivenMatrix(k[0, 0], k[1, 1], k[0, 2], k[1, 2]), CPU)
        picture = np.asarray(Image.open(tmp_path / want["image"]))
        found = DetectedHand((0, 0, 1, 1), "right", 1.0, with_z(samples.joints_2d_px[row]))
        (hand,) = predictor.predict(picture, [found])
        np.testing.assert_allclose(hand.points_2d.ravel(), want["prediction_2d"], atol=1e-3)
        np.testing.assert_allclose((hand.joints_m + hand.root_m).ravel(), want["prediction"], atol=1e-4)


def with_z(points: np.ndarray) -> np.ndarray:
    return np.column_stack([points, np.zeros(21)])


def test_a_left_hand_is_the_mirror_image_of_a_right_one(model, told_hand, noise):
    picture, right = noise(), told_hand()
    landmarks = right.landmarks.copy()
    landmarks[:, 0] = picture.shape[1] - landmarks[:, 0]
    left = dataclasses.replace(right, side="left", landmarks=landmarks)
    predictor = HandPredictor(model, FieldOfView(60), CPU)
    (of_right,) = predictor.predict(picture, [right])
    (of_left,) = predictor.predict(np.ascontiguousarray(picture[:, ::-1]), [left])
    np.testing.assert_allclose(of_left.points_2d[:, 0], 160 - of_right.points_2d[:, 0], atol=1e-4)
    np.testing.assert_allclose(of_left.points_2d[:, 1], of_right.points_2d[:, 1], atol=1e-4)
    np.testing.assert_allclose(of_left.joints_m, of_right.joints_m * [-1, 1, 1], atol=1e-7)
    np.testing.assert_allclose(of_left.root_m, of_right.root_m * [-1, 1, 1], atol=1e-5)


def test_hands_beside_each_other_do_not_change_each_other(model, told_hand, noise):
    predictor, hands = HandPredictor(model, None, CPU), [told_hand(), told_hand(20, 60, "left")]
    both = predictor.predict(noise(), hands)
    for hand, together in zip(hands, both, strict=True):
        (alone,) = predictor.predict(noise(), [hand])
        np.testing.assert_allclose(alone.points_2d, together.points_2d, atol=1e-4)
        np.testing.assert_allclose(alone.joints_m, together.joints_m, atol=1e-6)


def test_without_a_camera_there_is_no_position_and_the_size_is_the_mean_hand(model, told_hand, noise):
    (hand,) = HandPredictor(model, None, CPU).predict(noise(), [told_hand()])
    assert np.isnan(hand.root_m).all() and not hand.joints_m[0].any()
    network_units = hand.joints_m / model.bone_0_9_m
    (other,) = HandPredictor(model._replace(bone_0_9_m=1.0), None, CPU).predict(noise(), [told_hand()])
    np.testing.assert_allclose(network_units, other.joints_m)


def test_a_field_of_view_is_from_border_to_border():
    matrix = FieldOfView(90).intrinsics(640, 480)
    np.testing.assert_allclose(matrix, [[320, 0, 320], [0, 320, 240], [0, 0, 1]])
    left = np.linalg.inv(matrix) @ [0, 240, 1]
    assert np.degrees(np.arctan2(-left[0], left[2])) == pytest.approx(45)


@pytest.mark.parametrize("degrees", [0, 180, float("nan")])
def test_an_impossible_field_of_view_is_refused(degrees):
    with pytest.raises(ConfigError, match="1 to 170 degrees"):
        FieldOfView(degrees)


def test_an_impossible_camera_matrix_is_refused():
    with pytest.raises(ConfigError, match="four numbers fx fy cx cy .* found 0 500 320 240"):
        GivenMatrix(0, 500, 320, 240)
