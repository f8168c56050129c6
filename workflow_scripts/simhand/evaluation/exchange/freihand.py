"""FreiHAND's submission: a zip with ``pred.json``, as its ``pred.py`` writes and its ``eval.py`` reads it.

``pred.json`` is ``[xyz, verts]``: 21 joints and 778 mesh vertices of every evaluation image, in the order of
their ids from 0, in metres in the camera frame (github.com/lmb-freiburg/freihand).
"""

import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from simhand.errors import DataError
from simhand.evaluation.exchange.given_hands import GivenHands
from simhand.files.atomic import atomic_path
from simhand.files.tables import JOINTS

MEMBER = "pred.json"
VERTICES = 778
# Fixed, so that the same predictions make the same file.
DATE = (1980, 1, 1, 0, 0, 0)


def write_freihand(path: Path, ids: list[str], joints_m: npt.NDArray[np.float64]) -> None:
    """Write the submission of hands (N, 21, 3), whose ids must be 0 to N - 1.

    No mesh is predicted: all vertices are zero, so the tool's mesh scores mean nothing.

    Raises:
        DataError: the ids are not 0 to N - 1.
    """
    numbers = [int(name) for name in ids]
    if sorted(numbers) != list(range(len(ids))):
        raise DataError(
            f"{path}: FreiHAND's tool wants predictions of all images 0 to {len(ids) - 1}, found ids from "
            f"{min(numbers)} to {max(numbers)}; predict the whole evaluation split"
        )
    hands = joints_m[np.argsort(numbers)].tolist()
    no_mesh = json.dumps([[0.0] * 3] * VERTICES)
    text = f"[{json.dumps(hands, allow_nan=False)}, [{', '.join([no_mesh] * len(hands))}]]"
    with atomic_path(path) as partial, zipfile.ZipFile(partial, "w") as archive:
        member = zipfile.ZipInfo(MEMBER, DATE)
        archive.writestr(member, text, zipfile.ZIP_DEFLATED)


def read_freihand(path: Path) -> GivenHands:
    """Read a ``pred.json``, or a zip that holds one; the mesh is not looked at.

    Raises:
        DataError: the file is not of that form.
    """
    try:
        content = json.loads(_text(path))
        joints = np.array(content[0], dtype=np.float64)
    except FileNotFoundError as error:
        raise DataError(f"{path} does not exist; correct `file`") from error
    except (ValueError, TypeError, IndexError, KeyError, zipfile.BadZipFile) as error:
        raise DataError(
            f"{path} is not what FreiHAND's pred.py writes, [21 joints of each image, vertices of each] "
            f"({type(error).__name__}: {error})"
        ) from error
    if joints.ndim != 3 or joints.shape[1:] != (JOINTS, 3):
        raise DataError(f"{path}: joints of shape {joints.shape}, expected (images, {JOINTS}, 3)")
    return GivenHands(path, [str(number) for number in range(len(joints))], joints)


def _text(path: Path) -> Any:
    if path.suffix.lower() != ".zip":
        return path.read_bytes()
    with zipfile.ZipFile(path) as archive:
        names = [name for name in archive.namelist() if name.rsplit("/", 1)[-1] == MEMBER]
        if len(names) != 1:
            raise DataError(f"{path} holds {len(names)} files named {MEMBER}, expected one")
        return archive.read(names[0])
