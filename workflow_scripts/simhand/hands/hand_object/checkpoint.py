"""Reads the checkpoint that the authors publish."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from simhand.errors import DataError
from simhand.hands.hand_object.network import HandObjectNetwork
from simhand.settings.hand_object_detector import WHERE_TO_GET
from simhand.text import listed

LISTED = 8
"""How many tensors of a kind an error lists by name."""

EXPECTED = {"pooling_mode": "align", "class_agnostic": False}
"""How the published models were trained (trainval_net.py, cfgs/res101.yml); else it is another network."""


def load_checkpoint(path: Path) -> HandObjectNetwork:
    """The network with the weights of the torch file ``path``, ready to be asked.

    Every tensor must be there under its name and in its shape; batch counters may be absent, which
    nothing uses.

    Raises:
        DataError: the file is missing or damaged, is no such checkpoint, or a tensor is missing,
            unknown or of another shape.
    """
    checkpoint = _read(path)
    weights = dict(checkpoint["model"])
    with torch.device("meta"):  # only the names and shapes: the tensors come from the file
        network = HandObjectNetwork()
    expected = network.state_dict()
    for name in expected:
        if name.endswith("num_batches_tracked"):
            weights.setdefault(name, torch.tensor(0))
    _check(path, expected, weights)
    network.load_state_dict(weights, assign=True)
    return network.eval().requires_grad_(False)


def _check(path: Path, expected: Mapping[str, Tensor], found: Mapping[str, Tensor]) -> None:
    shapes = [
        f"{name} is {tuple(found[name].shape)} where {tuple(tensor.shape)} is expected"
        for name, tensor in expected.items()
        if name in found and found[name].shape != tensor.shape
    ]
    problems = {
        "missing": [name for name in expected if name not in found],
        "unexpected": [name for name in found if name not in expected],
        "misshapen": shapes,
    }
    listing = [f"{len(names)} {kind}: {listed(names, LISTED)}" for kind, names in problems.items() if names]
    if listing:
        raise DataError(
            f"{path} does not hold the weights of the hand-object detector; tensors "
            f"{'; '.join(listing)}. {WHERE_TO_GET}"
        )


def _read(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise DataError(f"no weights file {path} (hand_object_detector.weights). {WHERE_TO_GET}")
    try:
        checkpoint = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # what torch raises on bytes that are no archive depends on the bytes
        raise DataError(
            f"{path} is not a readable torch file ({error}); fetch it again. {WHERE_TO_GET}"
        ) from error
    if not isinstance(checkpoint, Mapping) or "model" not in checkpoint:
        keys = (
            listed(map(str, checkpoint), LISTED)
            if isinstance(checkpoint, Mapping)
            else type(checkpoint).__name__
        )
        raise DataError(f"{path} holds no 'model', found {keys}. {WHERE_TO_GET}")
    for key, value in EXPECTED.items():
        if checkpoint.get(key, value) != value:
            raise DataError(
                f"{path} was trained with {key} {checkpoint[key]!r}, expected {value!r}. {WHERE_TO_GET}"
            )
    return dict(checkpoint)
