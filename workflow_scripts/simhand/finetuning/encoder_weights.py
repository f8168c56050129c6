"""Loading an encoder's weights into DetNet: every tensor must be there and fit."""

import pickle
from pathlib import Path

import safetensors
import safetensors.torch
import torch
from torch import Tensor, nn

from simhand.errors import DataError

NAMED = 8
"""How many tensors an error lists by name."""


def load_encoder(encoder: nn.Module, path: Path | str) -> None:
    """Fill ``encoder`` from ``path``, a safetensors or torch file with plain torchvision names.

    The classifier (``fc.*``) is left aside; batch counters may be absent, as in torchvision's older files.

    Raises:
        DataError: the file is missing or damaged, or a tensor is missing, unknown or of another shape.
    """
    found = {name: tensor for name, tensor in _read(Path(path)).items() if not name.startswith("fc.")}
    expected = encoder.state_dict()
    problems = [f"{name} is missing" for name in expected if name not in found and not _is_counter(name)]
    problems += [f"{name} is not part of this encoder" for name in found if name not in expected]
    problems += [
        f"{name} has shape {tuple(found[name].shape)}, expected {tuple(expected[name].shape)}"
        for name in expected
        if name in found and found[name].shape != expected[name].shape
    ]
    if problems:
        more = f" and {len(problems) - NAMED} more" if len(problems) > NAMED else ""
        raise DataError(
            f"{path} does not fit the encoder of `finetune.encoder`: {'; '.join(problems[:NAMED])}{more}. "
            "Expected plain torchvision names; set `finetune.encoder` to the encoder that was pre-trained"
        )
    encoder.load_state_dict(expected | found)


def _is_counter(name: str) -> bool:
    return name.endswith("num_batches_tracked")


def _read(path: Path) -> dict[str, Tensor]:
    if not path.is_file():
        raise DataError(f"encoder weights {path} do not exist; run the pre-training that writes them first")
    try:
        if path.suffix == ".safetensors":
            return safetensors.torch.load_file(path)
        state = torch.load(path, map_location="cpu", weights_only=True)
    except (safetensors.SafetensorError, pickle.UnpicklingError, RuntimeError, EOFError) as error:
        raise DataError(f"{path} is not a readable weights file ({error}); write it again") from error
    return dict(state.get("state_dict", state))
