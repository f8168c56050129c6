"""DetNet against the recorded forward pass and parameter counts of the released network."""

import json
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch
import torchvision

from simhand.encoder_weights import load_encoder
from simhand.errors import DataError
from simhand.finetuning.detnet import DetNet
from simhand.finetuning.pose_decoding import decode_maps

RELEASED_NAMES = {
    "encoder.features.0.": "encoder.conv1.",
    "encoder.features.1.": "encoder.bn1.",
    **{f"encoder.features.{index}.": f"encoder.layer{index - 3}." for index in range(4, 8)},
    "hmap_0.project.": "heat.",
    "dmap_0.project.": "delta.",
    "lmap_0.project.": "location.",
    "hmap_0.prediction.": "heat.3.",
    "dmap_0.prediction.": "delta.3.",
    "lmap_0.prediction.": "location.3.",
}


def our_name(released: str) -> str:
    for prefix, ours in RELEASED_NAMES.items():
        if released.startswith(prefix):
            return ours + released.removeprefix(prefix)
    return released


def hashed(shape: tuple[int, ...], index: int) -> np.ndarray:
    """The recording's numbers in [-1, 1) for fill index ``index`` (golden/README.md)."""
    with np.errstate(over="ignore"):
        h = np.arange(1, int(np.prod(shape)) + 1, dtype=np.uint32) * np.uint32(2654435761)
        h += np.uint32((index + 1) * 2246822519 % 2**32)
        h ^= h >> np.uint32(15)
        h *= np.uint32(2246822519)
        h ^= h >> np.uint32(13)
        h *= np.uint32(3266489917)
        h ^= h >> np.uint32(16)
    return (h / 2.0**31 - 1).reshape(shape)


def filled(name: str, shape: tuple[int, ...], index: int) -> np.ndarray:
    values = hashed(shape, index)
    if len(shape) == 4:
        return 0.8 * np.sqrt(3 / (shape[1] * shape[2] * shape[3])) * values
    if name.endswith("running_var"):
        return 1 + 0.2 * values
    if name.endswith("weight"):
        return 1 + 0.1 * values
    return 0.1 * values


@pytest.fixture(scope="module")
def released(golden):
    """The recorded forward pass and what our network answers to the same weights and input."""
    record = golden("detnet_forward.npz")
    network = DetNet("resnet50", 256, 128).double().eval()
    state = network.state_dict()
    for index, name in enumerate(record["tensor_names_in_fill_order"]):
        ours = our_name(str(name))
        state[ours] = torch.from_numpy(
            filled(ours, tuple(state[ours].shape), index + int(record["hash_offset"]))
        )
    network.load_state_dict(state)
    images = torch.from_numpy(0.5 * hashed((2, 3, 128, 128), int(record["input_hash_index"])))
    with torch.no_grad():
        encoded = network.encoder(images)
        upsampled = network.deconv(encoded)
        maps = network(images)
    return record, encoded, upsampled, maps


def difference(found: torch.Tensor, expected: np.ndarray) -> float:
    return float(np.abs(found.numpy() - expected).max() / (1 + np.abs(expected).max()))


def test_forward_pass_equals_the_recording(released):
    record, encoded, upsampled, maps = released
    assert abs(float(encoded.std()) - record["encoder_output_std"]) < 1e-6
    assert difference(encoded[:, :8], record["encoder_output_first"]) < 1e-9
    assert difference(upsampled[:, :4, ::4, ::4], record["upsampled_first"]) < 1e-9
    assert difference(maps.heat, record["heat_map"]) < 1e-6
    assert difference(maps.delta[..., ::5, ::5], record["delta_map_every_fifth"]) < 1e-9
    assert difference(maps.location[..., ::5, ::5], record["location_map_every_fifth"]) < 1e-9


def test_decoded_maps_equal_the_recording_and_are_not_transposed(released):
    record, _, _, maps = released
    decoded = decode_maps(maps, below_cell=False)
    row_column = (decoded.crop_xy / 4 - 0.5).flip(-1)
    assert np.array_equal(row_column.numpy(), record["peak_row_column"])
    assert difference(decoded.location, record["location_at_peak"]) < 1e-9


def test_parameter_counts_and_shapes_are_the_released_ones(repository: Path):
    record = json.loads((repository / "tests/golden/detnet_forward.json").read_text())
    expected = record["resnet50_with_three_deconvolutions"]
    network = DetNet("resnet50", 256, 128)
    parts = {
        "encoder": "encoder",
        "deconv": "deconv",
        "hmap_0": "heat",
        "dmap_0": "delta",
        "lmap_0": "location",
    }
    for released_name, ours in parts.items():
        count = sum(parameter.numel() for parameter in getattr(network, ours).parameters())
        assert count == expected["parameters_by_part"][released_name]
    shapes = [[our_name(name), shape] for name, shape in expected["parameter_shapes_in_order"]]
    assert [[name, list(parameter.shape)] for name, parameter in network.named_parameters()] == shapes
    assert sum(parameter.numel() for parameter in network.parameters()) == 36_059_859


@pytest.mark.parametrize("side", [64, 96])
def test_input_side_and_width_are_free(side):
    maps = DetNet("resnet18", 16, side).eval()(torch.zeros(2, 3, side, side))
    assert maps.heat.shape == (2, 21, side // 4, side // 4)
    assert maps.delta.shape == maps.location.shape == (2, 21, 3, side // 4, side // 4)
    assert maps.heat.min() > 0 and maps.heat.max() < 1


def same(first: torch.nn.Module, second: dict[str, torch.Tensor]) -> bool:
    return all(torch.equal(tensor, second[name]) for name, tensor in first.state_dict().items())


@pytest.mark.parametrize("suffix", [".safetensors", ".pth"])
def test_encoder_written_by_torchvision_loads(tmp_path, suffix):
    weights = torchvision.models.resnet18(weights=None).state_dict()
    path = tmp_path / f"encoder{suffix}"
    safetensors.torch.save_file(weights, path) if suffix == ".safetensors" else torch.save(weights, path)
    network = DetNet("resnet18", 16, 64)
    assert not same(network.encoder, weights)
    load_encoder(network.encoder, "resnet18", path)
    assert same(network.encoder, weights)


def test_encoder_that_does_not_fit_is_refused_by_tensor_name(tmp_path):
    weights = torchvision.models.resnet18(weights=None).state_dict()
    path = tmp_path / "encoder.safetensors"
    network = DetNet("resnet18", 16, 64)
    without = {name: tensor for name, tensor in weights.items() if name != "layer3.0.conv1.weight"}
    safetensors.torch.save_file(without, path)
    with pytest.raises(DataError, match=r"layer3\.0\.conv1\.weight is missing"):
        load_encoder(network.encoder, "resnet18", path)
    safetensors.torch.save_file({**weights, "layer1.0.conv1.weight": torch.zeros(64, 64, 1, 1)}, path)
    with pytest.raises(DataError, match=r"layer1\.0\.conv1\.weight has shape \(64, 64, 1, 1\), expected"):
        load_encoder(network.encoder, "resnet18", path)
    safetensors.torch.save_file({f"backbone.{name}": tensor for name, tensor in weights.items()}, path)
    with pytest.raises(DataError, match=r"conv1\.weight is missing.* and \d+ more"):
        load_encoder(network.encoder, "resnet18", path)
    path.write_bytes(b"not weights")
    with pytest.raises(DataError, match="not a readable weights file"):
        load_encoder(network.encoder, "resnet18", path)
    with pytest.raises(DataError, match="no weights file"):
        load_encoder(network.encoder, "resnet18", tmp_path / "nothing.safetensors")
