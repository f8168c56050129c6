"""Losses against the recordings, a loop written from the formula, and what they promise."""

import numpy as np
import pytest
import torch

from simhand.finetuning.batches import Batch, batch_losses
from simhand.finetuning.detnet import Maps
from simhand.finetuning.losses import (
    frobenius_map_loss,
    heat_loss,
    mean_square_map_loss,
    weighted_sum,
)
from simhand.finetuning.targets import PARENTS
from simhand.settings.finetune import FinetuneSettings

CASES = ("full_maps_batch2", "small_maps_batch4_partly_3d", "small_maps_batch3")


def released_loss(record, case, dtype):
    def tensor(name: str) -> torch.Tensor:
        return torch.from_numpy(record[f"{case}__{name}"]).to(dtype)

    predictions = [tensor(f"{name}_prediction").requires_grad_() for name in ("heat", "delta", "location")]
    heat, has_3d = tensor("heat_target"), tensor("has_3d")
    counted = has_3d[:, None].expand(-1, 21)
    losses = weighted_sum(
        tuple(record[f"{case}__weights_heat_delta_location"].tolist()),
        heat_loss(predictions[0], heat, tensor("heat_veil")),
        frobenius_map_loss(predictions[1], tensor("delta_vector_target"), heat, counted),
        frobenius_map_loss(predictions[2], tensor("location_vector_target"), heat, counted),
    )
    return losses, predictions


@pytest.mark.parametrize("case", CASES)
def test_released_loss_equals_the_recording(golden, case):
    record = golden("det_loss.npz")
    for dtype, suffix, tolerance in ((torch.float64, "f64", 1e-9), (torch.float32, "f32", 1e-5)):
        losses, _ = released_loss(record, case, dtype)
        for name in ("total", "heat", "delta", "location"):
            expected = float(record[f"{case}__loss_{name}_{suffix}"])
            assert abs(getattr(losses, name).item() - expected) <= tolerance * (1 + abs(expected))


@pytest.mark.parametrize("case", CASES)
def test_released_gradients_equal_the_recording(golden, case):
    record = golden("det_loss.npz")
    losses, predictions = released_loss(record, case, torch.float64)
    losses.total.backward()
    for name, prediction in zip(("heat", "delta", "location"), predictions, strict=True):
        expected = record[f"{case}__grad_{name}_prediction"]
        tolerance = 1e-9 if expected.dtype == np.float64 else 1e-6
        assert np.abs(prediction.grad.numpy() - expected).max() <= tolerance * (1 + np.abs(expected).max())


def random_maps(batch: int, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    make = torch.Generator().manual_seed(seed)
    prediction = torch.randn(batch, 21, 3, 8, 8, generator=make, dtype=torch.float64)
    vectors = torch.randn(batch, 21, 3, generator=make, dtype=torch.float64)
    heat = torch.rand(batch, 21, 8, 8, generator=make, dtype=torch.float64)
    return prediction, vectors, heat, torch.ones(batch, 21, dtype=torch.float64)


def test_mean_square_loss_is_the_loop_of_its_formula():
    prediction, vectors, heat, has_3d = random_maps(4)
    has_3d[2] = 0
    expected = []
    for sample in (0, 1, 3):
        for joint in range(21):
            above = below = 0.0
            for row in range(8):
                for column in range(8):
                    weight = heat[sample, joint, row, column].item() ** 2
                    error = prediction[sample, joint, :, row, column] - vectors[sample, joint]
                    above += weight * float((error**2).sum())
                    below += weight
            expected.append(above / below)
    found = mean_square_map_loss(prediction, vectors, heat, has_3d).item()
    assert found == pytest.approx(np.mean(expected), rel=1e-12)


def test_only_the_released_loss_depends_on_the_batch_size():
    """The same samples four times over: a mean stays, the released norm halves."""
    once = random_maps(3)
    repeated = tuple(torch.cat([part] * 4) for part in once)
    assert mean_square_map_loss(*repeated).item() == pytest.approx(
        mean_square_map_loss(*once).item(), rel=1e-12
    )
    assert frobenius_map_loss(*repeated).item() == pytest.approx(
        frobenius_map_loss(*once).item() / 2, rel=1e-12
    )
    heat, veil = once[2], torch.ones(3, 21, dtype=torch.float64)
    one = heat_loss(heat, heat * 0.5, veil)
    four = heat_loss(repeated[2], repeated[2] * 0.5, torch.cat([veil] * 4))
    assert four.item() == pytest.approx(one.item(), rel=1e-12)


def test_mean_square_loss_does_not_depend_on_empty_cells():
    prediction, vectors, heat, has_3d = random_maps(2)
    padded = mean_square_map_loss(
        torch.nn.functional.pad(prediction, (0, 8, 0, 8), value=3.0), vectors,
        torch.nn.functional.pad(heat, (0, 8, 0, 8)), has_3d,
    )  # fmt: skip
    assert padded.item() == pytest.approx(
        mean_square_map_loss(prediction, vectors, heat, has_3d).item(), rel=1e-12
    )


@pytest.mark.parametrize("loss", [mean_square_map_loss, frobenius_map_loss])
def test_without_any_3d_the_loss_is_zero_and_not_nan(loss):
    prediction, vectors, heat, has_3d = random_maps(2)
    prediction.requires_grad_()
    value = loss(prediction, vectors, heat, has_3d * 0)
    value.backward()
    assert value.item() == 0 and prediction.grad.abs().max() == 0


def test_veiled_joints_and_parts_without_weight_do_not_count():
    heat = torch.rand(2, 21, 8, 8)
    veil = torch.ones(2, 21)
    veil[:, 3] = 0
    changed = heat.clone()
    changed[:, 3] += 5
    assert heat_loss(changed, heat, veil).item() == 0
    one = torch.tensor(1.0)
    losses = weighted_sum((2.0, 0.0, 3.0), one, one, one)
    assert [part.item() for part in losses] == [5.0, 1.0, 0.0, 1.0]


def labelled_batch() -> tuple[Maps, Batch]:
    """Random maps, and two hands that lie within the crop."""
    make = torch.Generator().manual_seed(3)

    def random(*shape: int) -> torch.Tensor:
        return torch.rand(*shape, generator=make, dtype=torch.float64)

    maps = Maps(random(2, 21, 8, 8), random(2, 21, 3, 8, 8), random(2, 21, 3, 8, 8))
    batch = {"joints_2d": 4 + 24 * random(2, 21, 2), "joints_3d": random(2, 21, 3)}
    batch |= {"visible": torch.ones(2, 21).double(), "has_3d": torch.ones(2).double()}
    return maps, batch


def gradients(maps: Maps, batch: Batch, settings: FinetuneSettings) -> list[torch.Tensor]:
    """Whether each joint's map (2, 21) gets a gradient, for heat, delta and location."""
    maps = Maps(*(part.clone().requires_grad_() for part in maps))
    batch_losses(maps, batch, settings).total.backward()
    return [part.grad.flatten(2).abs().sum(2) > 0 for part in maps]


@pytest.mark.parametrize("hidden", [4, 6, 0, 9])
@pytest.mark.parametrize("how", ["mean_square", "frobenius"])
def test_joints_that_are_not_visible_are_not_learnt_from(hidden, how):
    """Nor bones that begin there; without wrist or unit of length no location; wherever labels put them."""
    maps, batch = labelled_batch()
    settings = FinetuneSettings(map_losses=how)
    batch["visible"][0, hidden] = 0
    before = batch_losses(maps, batch, settings)
    heat, delta, location = gradients(maps, batch, settings)
    joints = np.arange(21)
    assert heat[0].tolist() == (joints != hidden).tolist()
    assert delta[0].tolist() == ((joints != hidden) & (np.array(PARENTS) != hidden)).tolist()
    expected = np.zeros(21, bool) if hidden in (0, 9) else joints != hidden
    assert location[0].tolist() == expected.tolist()
    assert all(part[1].all() for part in (heat, delta, location))
    batch["joints_2d"][0, hidden], batch["joints_3d"][0, hidden] = torch.nan, torch.nan
    assert batch_losses(maps, batch, settings) == before


def test_the_release_learns_from_all_joints():
    maps, batch = labelled_batch()
    settings = FinetuneSettings(invisible_joints="learn", map_losses="frobenius", heat_targets="truncated")
    all_seen = batch_losses(maps, batch, settings)
    batch["visible"][0, [0, 6]] = 0
    assert batch_losses(maps, batch, settings) == all_seen
    assert batch_losses(maps, batch, FinetuneSettings(map_losses="frobenius")) != all_seen
