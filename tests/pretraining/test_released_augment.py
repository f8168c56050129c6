"""The released augmenter against its recordings, stage by stage."""

import random

import cv2
import numpy as np
import pytest
import torch

from simhand.errors import DataError
from simhand.pretraining.augment import draws_for
from simhand.pretraining.geometry import GeometryRanges, points_in_view
from simhand.pretraining.released_augment import (
    CROP_PX,
    ReleasedDraws,
    augment_as_released,
    released_colour,
    released_draws,
    released_geometry,
)

RANGES = {
    "rotate_scale_translate": GeometryRanges(45, 0.9, 1.5, 15 / 224),
    "translate": GeometryRanges(0, 1.25, 1.25, 15 / 224),
    "rotate_scale": GeometryRanges(45, 0.9, 1.5, 0),
}
OPENCV = tuple(map(int, cv2.__version__.split(".")[:2]))
AS_RECORDED = ((4, 10), (4, 11), (5, 0))
"""Versions of OpenCV that give the recorded images to the bit: those of the recordings, and ours."""


@pytest.fixture(scope="module")
def recorded(golden):
    return {name: golden("augment.npz")[name] for name in golden("augment.npz").files}


def draws_of(recorded, index):
    angle = recorded["angle_degrees"][index]
    return ReleasedDraws(
        None if np.isnan(angle) else int(angle),
        float(recorded["crop_margin"][index]),
        tuple(recorded["translation_drawn_xy"][index].tolist()),
        tuple(recorded["colour_gains_h_s_v"][index].tolist()),
        float(recorded["colour_value_offset"][index]),
    )


def of_this_opencv(recorded, name):
    """The recorded images under the generation of OpenCV that is installed."""
    images = recorded[f"image_{name}"].astype(np.int16)
    if OPENCV[0] < 5:
        images = images + recorded[f"opencv4_minus_opencv5_{name}"]
    return images


def test_geometry_equals_the_recordings(recorded):
    images = of_this_opencv(recorded, "geometry_only")
    for index, image in enumerate(recorded["image"]):
        joints = recorded["joints_before"][index].astype(np.float64)
        view = released_geometry(image, joints, draws_of(recorded, index), images.shape[1])
        assert np.abs(view.matrix - recorded["matrix_3x3"][index]).max() < 1e-9
        assert np.abs(view.joints - recorded["joints_after"][index]).max() < 1e-3
        assert view.jitter_px == tuple(recorded["jitter_stored_xy"][index])
        if OPENCV in AS_RECORDED:
            assert np.array_equal(view.image, images[index])
        assert np.abs(view.image - images[index]).mean() <= 0.3


def test_colour_equals_the_recordings(recorded):
    before = of_this_opencv(recorded, "geometry_only").astype(np.uint8)
    after = of_this_opencv(recorded, "with_colour")
    for index, image in enumerate(before):
        assert np.array_equal(released_colour(image, draws_of(recorded, index)), after[index])


def test_draws_are_scaled_as_recorded(recorded):
    """Python's generator is seeded as it was; the uniform numbers behind its draws go through ours."""
    for index, seed in enumerate(recorded["python_random_seed"].tolist()):
        recipe = str(recorded["recipe_names"][recorded["recipe"][index]])
        ranges = RANGES[recipe]
        generator, uniform = random.Random(seed), np.full(8, 0.5)
        used = [
            ranges.rotation_degrees > 0,
            ranges.margin_min < ranges.margin_max,
            *[ranges.translation > 0] * 2,
        ]
        for place in np.flatnonzero([*used, True, True, True, True]):
            uniform[place] = generator.random()
        found, expected = released_draws(uniform, ranges), draws_of(recorded, index)
        assert found.angle_degrees == expected.angle_degrees
        assert found.translation_px == expected.translation_px
        assert found.margin == pytest.approx(expected.margin, abs=1e-12)
        assert found.gains_hsv == pytest.approx(expected.gains_hsv, abs=1e-12)
        assert found.value_offset == pytest.approx(expected.value_offset, abs=1e-12)


def test_a_batch_carries_the_same_transform_as_matrix_and_as_keypoints(recorded):
    crops, (_, side_px, _, _) = recorded["image"], recorded["image_geometry_only"].shape
    keypoints = recorded["joints_before"] / np.float32(CROP_PX)
    draws = draws_for(0, 0, np.arange(len(crops)), views=1)
    images, views = augment_as_released(crops, keypoints, draws, RANGES["rotate_scale_translate"], side_px)
    assert images.shape == (len(crops), 3, side_px, side_px)
    in_view = points_in_view(torch.from_numpy(2 * keypoints - 1), views.geometry.view_to_crop)
    assert torch.allclose((in_view + 1) * side_px / 2, views.keypoints, atol=1e-3)


def test_an_empty_window_is_an_error(recorded):
    draws = ReleasedDraws(None, 1.0, (0, 0), (1.0, 1.0, 1.0), 0.0)
    with pytest.raises(DataError, match="empty window"):
        released_geometry(recorded["image"][0], np.full((21, 2), 500.0), draws, 128)
