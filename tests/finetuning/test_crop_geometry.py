"""Crops: the recorded ones of the release, and image, 2D, 3D and K that stay together under augmentation."""

import random

import numpy as np
import pytest

from simhand.datasets.freihand import load_freihand
from simhand.datasets.samples import project
from simhand.finetuning.crop_geometry import (
    Crop,
    crop_around,
    jittered_crop,
    released_jitter,
    rotation_about_z,
    warp,
)
from simhand.finetuning.hand_dataset import HandDataset
from simhand.finetuning.images import ImageStore
from simhand.settings.finetune import FinetuneSettings
from simhand.settings.section import preset_defaults


@pytest.fixture(scope="module")
def record(golden):
    return golden("detnet_targets.npz")


def test_released_crops_and_draws_equal_the_recording(record):
    for case in range(len(record["joints2d"])):
        crop = crop_around(record["joints2d"][case], float(record["size_factor"][case]), truncated=True)
        assert np.array_equal(crop.centre, record["centre_from_joints"][case])
        assert crop.side == pytest.approx(record["size_from_joints"][case], rel=1e-6)
        if record["training_mode"][case]:
            state = random.Random(int(record["python_random_seed"][case])).randint(0, 1024)
            crop = released_jitter(crop, state, 0.1, 0.1, np.pi / 2)
        assert np.array_equal(crop.centre, record["centre_used"][case])
        assert crop.side == pytest.approx(record["size_used"][case], rel=1e-6)
        assert crop.rotation == pytest.approx(record["rotation_radians"][case], abs=1e-12)


def test_released_affine_rotation_and_pixels_equal_the_recording(record):
    for case in range(len(record["joints2d"])):
        rotation = float(record["rotation_radians"][case])
        crop = Crop(record["centre_used"][case].astype(float), float(record["size_used"][case]), rotation)
        expected = record["affine_3x3"][case]
        np.testing.assert_allclose(crop.affine(128), expected, atol=1e-5 * (1 + np.abs(expected).max()))
        if record["has_3d"][case]:
            turned = record["joints3d"][case] @ rotation_about_z(rotation).T
            np.testing.assert_allclose(turned, record["joints3d_rotated"][case], atol=1e-6)
        cut = warp(record["image"][case], crop.affine(128), 128, nearest=True)
        assert np.array_equal(cut, record["network_input_uint8"][case])


def test_exact_crop_keeps_the_fraction_of_a_pixel():
    joints = np.array([[10.25, 20.5], [30.5, 40.0], [12.0, 21.0]])
    assert crop_around(joints, 2.0, truncated=False).centre.tolist() == [20.375, 30.25]
    assert crop_around(joints, 2.0, truncated=True).centre.tolist() == [20, 30]
    assert crop_around(joints, 2.0, truncated=False).side == 40.5


def test_jitter_stays_within_its_bounds_and_uses_them():
    rng = np.random.default_rng(0)
    start = Crop(np.array([50.0, 60.0]), 80.0)
    crops = [jittered_crop(start, rng, 0.1, 0.1, 1.5) for _ in range(500)]
    shifts = np.array([crop.centre - start.centre for crop in crops])
    sides = np.array([crop.side for crop in crops])
    turns = np.array([crop.rotation for crop in crops])
    assert 7.5 < np.abs(shifts).max() <= 8
    assert sides.min() == pytest.approx(72) and sides.max() == pytest.approx(88)
    assert np.abs(turns).max() <= 1.5 and turns.min() < -1.4 and turns.max() > 1.4
    assert len({crop.rotation for crop in crops}) == 500


def blob(side: int, x: float, y: float) -> np.ndarray:
    rows, columns = np.mgrid[:side, :side] + 0.5
    bright = 255 * np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / (2 * 3.0**2))
    return np.repeat(bright[..., None], 3, axis=2).round().astype(np.uint8)


def centre_of(image: np.ndarray) -> np.ndarray:
    bright = image[..., 0].astype(float)
    rows, columns = np.mgrid[: len(image), : len(image)] + 0.5
    return np.array([(columns * bright).sum(), (rows * bright).sum()]) / bright.sum()


@pytest.mark.parametrize("output_px", [64, 128])
def test_warp_moves_the_image_to_where_the_affine_moves_points(output_px):
    """A blob's centre of mass lands where its coordinates land: nearest is off by a part of a pixel."""
    rng = np.random.default_rng(1)
    errors = {True: [], False: []}
    for _ in range(20):
        x, y = rng.uniform(80, 140, 2)
        crop = Crop(rng.uniform(100, 120, 2), rng.uniform(150, 260), rng.uniform(-1.5, 1.5))
        affine = crop.affine(output_px)
        expected = affine[:2, :2] @ [x, y] + affine[:2, 2]
        for nearest in errors:
            found = centre_of(warp(blob(224, x, y), affine, output_px, nearest))
            errors[nearest].append(np.abs(found - expected).max())
    assert max(errors[False]) < 0.1
    assert np.mean(errors[False]) < np.mean(errors[True])


def test_warp_is_black_outside_the_image():
    image = np.full((50, 50, 3), 200, dtype=np.uint8)
    cut = warp(image, Crop(np.array([0.0, 25.0]), 40.0).affine(64), 64, nearest=False)
    assert (cut[:, :30] == 0).all() and (cut[:, 34:] == 200).all()


@pytest.mark.parametrize("preset", ["ours", "paper", "release"])
def test_projection_lands_on_the_2d_joints_and_on_the_drawn_joints_after_augmentation(freihand, preset):
    """3D, K and 2D agree to rounding, and the thumb tip's disc is where its label says, rotated or not."""
    settings = FinetuneSettings(**{**preset_defaults(FinetuneSettings, preset), "negative_images": False})
    samples = load_freihand(freihand, "training")
    dataset = HandDataset(samples, ImageStore(samples, 100, False, 1), settings, 2.0, seed=3)
    turned = 0
    for epoch in range(-1, 6):
        for row in range(len(samples)):
            sample = dataset[(epoch, row)]
            landed = project(sample["joints_3d"].astype(float), sample["intrinsics"])
            np.testing.assert_allclose(landed, sample["joints_2d"], atol=1e-3)
            turned += abs(np.arctan2(sample["affine"][1, 0], sample["affine"][0, 0])) > 0.5
            for joint in (0, 4, 20):
                x, y = np.floor(sample["joints_2d"][joint]).astype(int)
                if min(x, y) >= 2 and max(x, y) < settings.input_px - 2:
                    shade = (250 - 9 * joint, 40 + 10 * joint, 60 + (joint * 53) % 190)
                    assert np.abs(sample["image"][y, x].astype(int) - shade).max() < 60, (epoch, row, joint)
    assert turned > 30


def test_samples_are_a_function_of_seed_epoch_and_image(freihand):
    settings = FinetuneSettings()
    samples = load_freihand(freihand, "training")

    def dataset(seed: int, rows: np.ndarray) -> HandDataset:
        part = samples.take(rows)
        return HandDataset(part, ImageStore(part, 100, False, 1), settings, 2.0, seed)

    everything, part = dataset(0, np.arange(len(samples))), dataset(0, np.array([5, 9]))
    first, again = everything[(2, 9)], part[(2, 1)]
    assert all(np.array_equal(first[name], again[name]) for name in first)
    for other in (everything[(3, 9)], everything[(2, 5)], dataset(1, np.arange(len(samples)))[(2, 9)]):
        assert not np.array_equal(first["affine"], other["affine"])
        assert not np.array_equal(first["colour"], other["colour"])


def test_truncated_draws_know_only_the_released_states(freihand):
    settings = FinetuneSettings(crop_geometry="truncated")
    samples = load_freihand(freihand, "training").take(np.array([0]))
    dataset = HandDataset(samples, ImageStore(samples, 100, False, 1), settings, 2.0, seed=0)
    crop = crop_around(samples.joints_2d_px[0], 2.0, truncated=True)
    possible = [released_jitter(crop, state, 0.1, 0.1, np.pi / 2).affine(128) for state in range(1025)]
    for epoch in range(5):
        affine = dataset[(epoch, 0)]["affine"]
        assert min(np.abs(affine - one).max() for one in possible) < 1e-9
