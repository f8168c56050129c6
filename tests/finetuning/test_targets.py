"""Targets against the recordings of the released HandDataset, and the exact ones against their definition."""

import numpy as np
import pytest
import torch

from simhand.finetuning.targets import (
    PARENTS,
    delta_vectors,
    exact_heat_maps,
    location_vectors,
    truncated_cells,
    truncated_heat_maps,
)


@pytest.fixture(scope="module")
def record(golden):
    return golden("detnet_targets.npz")


def in_crop(record, case: int) -> np.ndarray:
    affine = record["affine_3x3"][case].astype(np.float64)
    return record["joints2d"][case] @ affine[:2, :2].T + affine[:2, 2]


def test_released_heat_maps_equal_the_recording(record):
    for case in range(len(record["heatmap"])):
        joints = torch.from_numpy(in_crop(record, case))[None]
        assert np.array_equal(torch.trunc(joints[0]).numpy(), record["joints2d_in_crop"][case])
        assert np.array_equal(truncated_cells(joints, 4)[0].numpy(), record["heatmap_cell_xy"][case])
        targets = truncated_heat_maps(joints, size=32, stride=4, sigma=1.0)
        np.testing.assert_allclose(targets.maps[0], record["heatmap"][case], atol=1e-6)
        assert np.array_equal(targets.veil[0].numpy(), record["heatmap_veil"][case])


def test_released_heat_maps_of_single_cells_keep_the_off_by_one(record):
    cells = torch.from_numpy(record["single_cell_xy"]).double()
    targets = truncated_heat_maps(cells[None] * 4, size=32, stride=4, sigma=1.0)
    np.testing.assert_allclose(targets.maps[0], record["single_heatmap"], atol=1e-6)
    assert np.array_equal(targets.veil[0].numpy(), record["single_veil"])
    at_minus_four = truncated_heat_maps(torch.tensor([[[-16.0, 40.0]]]), 32, 4, 1.0)
    assert at_minus_four.maps.sum() == 0 and at_minus_four.veil.item() == 1


def test_vectors_equal_the_recording(record):
    assert list(PARENTS) == record["parent_joint"].tolist()
    for case in np.flatnonzero(record["has_3d"]):
        joints = torch.from_numpy(record["joints3d_rotated"][case]).double()[None]
        for found, name in ((location_vectors, "location_vector"), (delta_vectors, "delta_vector")):
            expected = record[name][case]
            defined = np.isfinite(expected)
            assert defined.any()
            np.testing.assert_allclose(found(joints)[0].numpy()[defined], expected[defined], atol=1e-5)


def test_bones_without_length_give_zero_and_not_nan():
    joints = torch.rand(1, 21, 3, dtype=torch.float64)
    joints[0, 7] = joints[0, 6]
    assert torch.equal(delta_vectors(joints)[0, 7], torch.zeros(3, dtype=torch.float64))
    joints[0, 9] = joints[0, 0]
    assert torch.equal(location_vectors(joints), torch.zeros_like(joints))


def test_exact_heat_maps_follow_the_definition_below_one_cell():
    joints = torch.tensor([[[13.3, 22.9], [0.4, 63.0], [-11.9, 30.0], [-12.1, 30.0]]], dtype=torch.float64)
    targets = exact_heat_maps(joints, size=16, stride=4, sigma=1.2)
    for joint, (x, y) in enumerate(joints[0].tolist()):
        for row, column in ((0, 0), (5, 3), (6, 3), (15, 0), (9, 12)):
            squared = (column + 0.5 - x / 4) ** 2 + (row + 0.5 - y / 4) ** 2
            expected = np.exp(-squared / (2 * 1.2**2))
            assert targets.maps[0, joint, row, column].item() == pytest.approx(expected, rel=1e-9)
    assert targets.veil.tolist() == [[1, 1, 1, 1]]
    outside = torch.tensor([[[-4 * 3.61, 30.0], [30.0, 64 + 4 * 3.61]]], dtype=torch.float64)
    assert exact_heat_maps(outside, 16, 4, 1.2).veil.tolist() == [[0, 0]]


def test_exact_heat_maps_carry_no_bias_and_truncated_ones_do():
    """The heat-weighted mean of the cells is the joint itself, or up to two cells' fractions beside it."""
    rng = np.random.default_rng(0)
    joints = torch.from_numpy(rng.uniform(40, 88, (50, 21, 2)))
    centres = (torch.arange(32, dtype=torch.float64) + 0.5) * 4

    def mean_error(maps: torch.Tensor) -> float:
        x = (maps.sum(2) * centres).sum(2) / maps.sum((2, 3))
        y = (maps.sum(3) * centres).sum(2) / maps.sum((2, 3))
        return float((torch.stack([x, y], -1) - joints).abs().max())

    assert mean_error(exact_heat_maps(joints, 32, 4, 1.0).maps) < 1e-3
    assert mean_error(truncated_heat_maps(joints, 32, 4, 1.0).maps) > 1.5
