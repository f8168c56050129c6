"""Views: keypoints go where the image goes, draws depend on nothing but what they are for."""

import numpy as np
import pytest
import torch

from simhand.pretraining.augment import DRAWS, augment, draws_for
from simhand.pretraining.colour import HIGHEST, LOWEST, apply_colour, jitter, normalise, unchanged
from simhand.pretraining.geometry import GeometryRanges, place_views, points_in_view, transform_points, warp
from simhand.pretraining.methods.registry import find_method
from simhand.pretraining.view_images import view_images
from simhand.settings.pretrain import PretrainSettings

ALL = GeometryRanges(45, 0.9, 1.5, 15 / 224)


def keypoints(count, seed=0):
    torch.manual_seed(seed)
    return 0.3 + 0.4 * torch.rand(count, 21, 2)


def draws(count, seed=0):
    return torch.from_numpy(draws_for(seed, 0, np.arange(count // 2))).float()


def brightest(image):
    """Centre of mass (x, y) in pixels, of a (H, W) image, pixel areas from 0 to W."""
    y, x = torch.meshgrid(torch.arange(image.shape[0]), torch.arange(image.shape[1]), indexing="ij")
    return torch.stack([((x + 0.5) * image).sum(), ((y + 0.5) * image).sum()]) / image.sum()


def test_keypoints_follow_the_image():
    """A dot is drawn on one joint of a black crop, the crop is warped, and the dot lies on the keypoint."""
    side, size_px = 160, 128
    points = keypoints(12)
    geometry = place_views(2 * points - 1, draws(12)[:, :4], ALL)
    grid = (torch.arange(side) + 0.5) / side
    crops = torch.zeros(12, 1, side, side)
    for index, (x, y) in enumerate(points[:, 9].tolist()):
        crops[index, 0] = torch.exp(-((grid[None] - x) ** 2 + (grid[:, None] - y) ** 2) / (2 * 0.012**2))
    views = warp(crops, geometry.view_to_crop, size_px)
    in_view = (points_in_view(2 * points - 1, geometry.view_to_crop) + 1) * size_px / 2
    for index in range(12):
        assert torch.allclose(brightest(views[index, 0]), in_view[index, 9], atol=0.25)


def test_a_view_is_turned_counter_clockwise_by_its_angle():
    """With the joints' centre as centre of view, a point to its right goes up for a positive angle."""
    points = torch.tensor([[[-0.5, 0.0], [0.5, 0.0]]])
    geometry = place_views(points, torch.tensor([[1.0, 0.5, 0.5, 0.5]]), GeometryRanges(30, 1.0, 1.0, 0.0))
    assert geometry.angle_degrees.item() == pytest.approx(30)
    seen = points_in_view(points, geometry.view_to_crop)[0, 1]
    assert seen.tolist() == pytest.approx([np.cos(np.pi / 6), -0.5], abs=1e-6)


def test_views_reach_as_far_as_the_margin_says():
    points = keypoints(64) * 2 - 1
    geometry = place_views(points, draws(64)[:, :4], GeometryRanges(45, 0.9, 1.5, 0.0))
    reach = points_in_view(points, geometry.view_to_crop).norm(dim=2).amax(dim=1)
    assert (1 / reach).min() >= 0.9 - 1e-5 and (1 / reach).max() <= 1.5 + 1e-5
    assert (1 / reach).max() - (1 / reach).min() > 0.4


def test_going_to_the_view_and_back_is_the_identity():
    points = keypoints(8) * 2 - 1
    matrix = place_views(points, draws(8)[:, :4], ALL).view_to_crop
    assert torch.allclose(transform_points(matrix, points_in_view(points, matrix)), points, atol=1e-5)


def test_joints_on_one_point_still_give_a_view():
    points = torch.full((2, 21, 2), 0.5)
    seen = augment(torch.full((2, 32, 32, 3), 200, dtype=torch.uint8), points, draws(2), ALL, 0.1, 32)
    assert torch.isfinite(seen.images).all() and torch.isfinite(seen.views.keypoints).all()


def test_outside_of_the_crop_is_black():
    corner = torch.tensor([[[0.9, 0.9], [1.1, 1.1]]])
    geometry = place_views(corner, torch.full((1, 4), 0.5), GeometryRanges(0, 5, 5, 0))
    view = warp(torch.ones(1, 1, 32, 32), geometry.view_to_crop, 32)[0, 0]
    assert view[-4:].abs().max() == 0 and view[:8, :8].min() == pytest.approx(1)


def test_colour_without_jitter_keeps_the_image():
    """Draws in the middle keep the hue; a saturation and value gain of 1 keep the colour up to the offset."""
    images = torch.rand(1, 3, 4, 4) * 0.9
    still = torch.tensor([[0.5, 1.0, 1.0, 0.0]])
    assert torch.allclose(apply_colour(images, jitter(still, 0.1)), normalise(images + 5 / 255), atol=1e-5)
    assert torch.allclose(apply_colour(images, unchanged(images)), normalise(images), atol=1e-5)


def test_hue_turns_red_to_green_in_a_third_of_a_circle():
    red = torch.tensor([0.5, 0.0, 0.0]).view(1, 3, 1, 1)
    green = torch.tensor([0.0, 0.5, 0.0]).view(1, 3, 1, 1) + 5 / 255
    turned = apply_colour(red, jitter(torch.tensor([[1.0, 1.0, 1.0, 0.0]]), 1 / 3))
    assert torch.allclose(turned, normalise(green), atol=1e-5)


def test_colours_are_clipped_to_black_and_white():
    """The brightest white, lifted, is white; nothing is darker than black."""
    images = torch.tensor([0.0, 1.0]).view(2, 1, 1, 1).expand(2, 3, 1, 1)
    lifted = apply_colour(images, jitter(torch.tensor([[0.5, 1.0, 1.0, 1.0]]).expand(2, -1), 0.1))
    assert lifted[1].flatten().tolist() == pytest.approx(HIGHEST)
    dark = unchanged(images)._replace(offset=torch.full((2, 3), -99.0))
    assert apply_colour(images, dark)[0].flatten().tolist() == pytest.approx(LOWEST)


@pytest.mark.parametrize("threads", [1, 3])
def test_the_loop_on_a_processor_is_the_warp_on_a_gpu(threads):
    """Turned, shifted, scaled, beyond every border; the same up to rounding whatever the threads."""
    crops = torch.randint(0, 256, (10, 40, 40, 3), dtype=torch.uint8)
    points = torch.rand(10, 21, 2)
    geometry = place_views(2 * points - 1, draws(10)[:, :4], GeometryRanges(180, 0.3, 2.5, 0.3))
    colour = jitter(draws(10)[:, 4:], 0.1)
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        looped = view_images(crops, geometry.view_to_crop, colour, 33)
    finally:
        torch.set_num_threads(before)
    warped = apply_colour(warp(crops.permute(0, 3, 1, 2) / 255, geometry.view_to_crop, 33), colour)
    assert looped.is_contiguous(memory_format=torch.channels_last)
    assert torch.allclose(looped, warped, atol=2e-3)
    black = apply_colour(torch.zeros(10, 3, 1, 1), colour)
    assert torch.isclose(looped, black, atol=1e-6).all(dim=1).float().mean() > 0.05


def test_normalisation_is_imagenets():
    grey = normalise(torch.full((1, 3, 1, 1), 0.5)).flatten()
    assert grey.tolist() == pytest.approx([0.015 / 0.229, 0.044 / 0.224, 0.094 / 0.225], abs=1e-6)


def test_views_do_not_depend_on_the_batch_they_are_made_in():
    crops = torch.randint(0, 256, (6, 48, 48, 3), dtype=torch.uint8)
    together = augment(crops, keypoints(6), draws(6), ALL, 0.1, 32)
    alone = augment(crops[2:3], keypoints(6)[2:3], draws(6)[2:3], ALL, 0.1, 32)
    assert torch.allclose(together.images[2:3], alone.images, atol=1e-5)
    assert torch.allclose(together.views.keypoints[2:3], alone.views.keypoints, atol=1e-3)


def test_draws_are_a_function_of_seed_epoch_position_and_view():
    whole = draws_for(3, 5, np.arange(100))
    assert whole.shape == (200, DRAWS)
    assert np.array_equal(draws_for(3, 5, np.array([70, 4])), whole[[70, 4, 170, 104]])
    assert np.array_equal(draws_for(3, 5, np.arange(100), views=3)[:200], whole)
    assert not np.array_equal(draws_for(4, 5, np.arange(100)), whole)
    assert not np.array_equal(draws_for(3, 6, np.arange(100)), whole)
    assert len(np.unique(whole)) == whole.size


def test_draws_are_uniform_and_unrelated():
    values = draws_for(0, 0, np.arange(20_000))
    assert values.min() >= 0 and values.max() < 1
    counts = np.histogram(values, bins=16, range=(0, 1))[0] / values.size
    assert np.abs(counts - 1 / 16).max() < 0.002
    correlation = np.corrcoef(np.concatenate([values[:20_000], values[20_000:]], axis=1).T)
    assert np.abs(correlation - np.eye(2 * DRAWS)).max() < 0.03


def test_each_method_augments_what_the_paper_says():
    ours, release = PretrainSettings(), PretrainSettings(simclr_geometry="translation")
    assert find_method("simclr").geometry(ours) == GeometryRanges(0, 0.9, 1.5, 0)
    assert find_method("simclr").geometry(release) == GeometryRanges(0, 1.25, 1.25, 15 / 224)
    assert find_method("peclr").geometry(ours) == find_method("simhand").geometry(ours) == ALL
