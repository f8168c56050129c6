"""Reading the recorded cases of tests/golden: each case as a dict of float64 tensors."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch


def cases(recorded: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each case of a recording, by name; floating-point arrays as float64 tensors, the rest as they are."""
    for name in recorded["case_names"].tolist():
        prefix = f"{name}__"
        arrays = {key.removeprefix(prefix): recorded[key] for key in recorded.files if key.startswith(prefix)}
        yield name, {key: as_tensor(value) for key, value in arrays.items()}


def as_tensor(array: np.ndarray) -> Any:
    """A float64 tensor of a floating-point array; anything else unchanged."""
    return torch.from_numpy(array.astype(np.float64)) if array.dtype.kind == "f" else array


def difference(found: torch.Tensor, recorded: torch.Tensor) -> float:
    """The recordings' measure of agreement: greatest difference over 1 + greatest recorded value.

    Entries that the reference has no number for (it returned NaN or infinity) are left out, all of them if
    need be; what is found must be a number everywhere.
    """
    found, recorded = found.detach().double(), torch.as_tensor(recorded).double()
    assert found.shape == recorded.shape and torch.isfinite(found).all()
    known = torch.isfinite(recorded)
    off, size = (found - recorded).abs()[known], recorded.abs()[known]
    return float(off.max() / (1 + size.max())) if known.any() else 0.0
