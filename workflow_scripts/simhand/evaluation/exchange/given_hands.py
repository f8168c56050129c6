"""Predicted hands as a file gives them, and which samples they are of."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from simhand.errors import DataError

NAMED = 5
"""How many ids an error lists."""


@dataclass(frozen=True)
class GivenHands:
    """N predicted hands of a file.

    Attributes:
        path: the file.
        ids: as the file has them; digits are filled up to eight, which is how samples are called.
        joints_m: float64 (N, 21, 3), metres, frame of the camera that took the image.
    """

    path: Path
    ids: list[str]
    joints_m: npt.NDArray[np.float64]

    def of_samples(self, ids: list[str]) -> npt.NDArray[np.float64]:
        """The hands (M, 21, 3) of the samples ``ids``, in their order; hands of others are left out.

        Raises:
            DataError: a sample has no hand, or two.
        """
        rows = {canonical(name): row for row, name in enumerate(self.ids)}
        if len(rows) < len(self.ids):
            raise DataError(f"{self.path} gives {len(self.ids) - len(rows)} ids twice; give each once")
        missing = [name for name in ids if name not in rows]
        if missing:
            raise DataError(
                f"{self.path} has no prediction for {len(missing)} of {len(ids)} samples (first: "
                f"{', '.join(missing[:NAMED])}); every sample of the evaluation split must be predicted"
            )
        return self.joints_m[[rows[name] for name in ids]]


def canonical(name: str) -> str:
    """The id of a sample: digits filled up to eight."""
    return name.strip().zfill(8) if name.strip().isdigit() else name.strip()
