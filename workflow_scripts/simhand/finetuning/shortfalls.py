"""What is wrong with a data set's files, collected so that an error names them one by one."""

import numpy as np
from numpy.typing import NDArray

from simhand.errors import DataError

NAMED = 10
"""How many files an error lists by name."""

PLAUSIBLE_BONE_M = (0.01, 0.5)
"""Bounds on the median length of bone 0-9: outside them the labels are not in metres."""


def listing(names: list[str], count: int | None = None) -> str:
    """The first names, then how many more of ``count`` (all of ``names`` if not given) there are."""
    more = (count or len(names)) - len(names[:NAMED])
    return ", ".join(names[:NAMED]) + (f" and {more} more" if more else "")


def refuse(problems: list[str], what: str, advice: str) -> None:
    """Raise :class:`DataError` that names ``problems`` and gives ``advice``, if there are any."""
    if problems:
        raise DataError(f"{len(problems)} {what}: {listing(problems)}. {advice}")


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
            f"{where}: joints behind the camera (z <= 0) in entries {listing(behind.tolist())}; "
            "expected the camera frame with z forward"
        )
