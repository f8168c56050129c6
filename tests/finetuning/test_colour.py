"""Colour jitter as one affine map: each of its four parts alone does what it is called."""

import colorsys

import numpy as np
import pytest
import torch

from simhand.finetuning.colour import draw_colour, jitter_colour, normalise


def one_image(seed: int = 0) -> torch.Tensor:
    return 0.3 + 0.3 * torch.rand(1, 3, 8, 8, generator=torch.Generator().manual_seed(seed))


def luma(images: torch.Tensor) -> torch.Tensor:
    return (images * torch.tensor([0.299, 0.587, 0.114])[:, None, None]).sum(1)


def test_neutral_draws_change_nothing():
    images = one_image()
    torch.testing.assert_close(
        jitter_colour(images, torch.tensor([[1.0, 1, 1, 0]])), images, atol=2e-4, rtol=0
    )


def test_brightness_scales_contrast_spreads_saturation_fades():
    images = one_image()
    torch.testing.assert_close(
        jitter_colour(images, torch.tensor([[1.4, 1, 1, 0]])), 1.4 * images, atol=3e-4, rtol=0
    )
    flatter = jitter_colour(images, torch.tensor([[1.0, 0.5, 1, 0]]))
    mean = luma(images).mean()
    torch.testing.assert_close(flatter, mean + 0.5 * (images - mean), atol=3e-4, rtol=0)
    grey = jitter_colour(images, torch.tensor([[1.0, 1, 0, 0]]))
    torch.testing.assert_close(grey, luma(images)[:, None].expand_as(images), atol=3e-4, rtol=0)


def test_hue_turns_colours_and_keeps_the_luma():
    images = one_image()
    turned = jitter_colour(images, torch.tensor([[1.0, 1, 1, 0.6]]))
    torch.testing.assert_close(luma(turned), luma(images), atol=3e-4, rtol=0)
    before, after = (colorsys.rgb_to_hsv(*image[0, :, 0, 0].tolist()) for image in (images, turned))
    assert abs(before[0] - after[0]) > 0.03
    back = jitter_colour(turned, torch.tensor([[1.0, 1, 1, -0.6]]))
    torch.testing.assert_close(back, images, atol=5e-4, rtol=0)


def test_each_image_has_its_own_draw_and_results_are_clipped():
    images = one_image().repeat(2, 1, 1, 1)
    changed = jitter_colour(images, torch.tensor([[1.0, 1, 1, 0], [3.0, 1, 1, 0]]))
    torch.testing.assert_close(changed[0], images[0], atol=2e-4, rtol=0)
    assert changed[1].max() == 1


def test_draws_stay_within_their_bounds():
    draws = np.array([draw_colour(np.random.default_rng(seed), 0.5, 0.15) for seed in range(300)])
    assert draws[:, :3].min() >= 0.5 and draws[:, :3].max() <= 1.5
    assert draws[:, :3].min() < 0.52 and draws[:, :3].max() > 1.48
    assert 0.9 < np.abs(draws[:, 3]).max() <= 2 * np.pi * 0.15


def test_input_statistics():
    images = one_image()
    assert torch.equal(normalise(images, "centred"), images - 0.5)
    expected = (images[0, 2, 3, 4] - 0.406) / 0.225
    assert normalise(images, "imagenet")[0, 2, 3, 4].item() == pytest.approx(expected.item(), rel=1e-5)
