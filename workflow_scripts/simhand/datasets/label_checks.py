"""Checks of a data set's labels, whose errors name the files or entries that are wrong one by one."""

import numpy as np
from numpy.typing import NDArray

from simhand.errors import DataError
from simhand.text import listed

PLAUSIBLE_BONE_M = (0.01, 0.5)
"""Bounds on the median length of bone 0-9: outside them the labels are not in metres."""


def refuse(problems: list[str], what: str, advice: str) -> None:
    """Raise :class:`DataError` that names ``problems`` and gives ``advice``, if there are any."""
    if problems:
        raise DataError(f"{len(problems)} {what}: {listed(problems)}. {advice}")


def check_metres(joints_m: NDArray[np.float64], where: str) -> None:
    """Raise :class:`DataError` unless joints (N, 21, 3) from ``where`` have the size of hands in metres."""
    length = float(np.median(np.linalg.norm(joints_m[:, 9] - joints_m[:, 0], axis=-1)))
    low, high = PLAUSIBLE_BONE_M
    if not low <= length <= high:
        raise DataError(
            f"{where}: the median distance from wrist to middle finger is {length:.3g}, expected {low} to "
            f"{high} metres; the joints must be 21 per hand, wrist first, in metres"
        )


def check_in_front(joints_m: NDArray[np.float64], names: NDArray[np.str_], where: str) -> None:
    """Raise :class:`DataError` naming those of the hands (N, 21, 3) that are behind the camera."""
    behind = names[(joints_m[..., 2] <= 0).any(axis=1)]
    if len(behind):
        raise DataError(
            f"{where}: joints behind the camera (z <= 0) in entries {listed(behind.tolist())}; "
            "expected the camera frame with z forward"
        )
