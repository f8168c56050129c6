"""DexYCB's result file of hand poses, as its ``hpe_eval.py`` reads it.

One line per image, ``id,x1,y1,z1,...,x21,y21,z21``: the place of the image in the split, then 21 joints in
millimetres in the camera frame (github.com/NVlabs/dex-ycb-toolkit).
"""

from pathlib import Path

import numpy as np
import numpy.typing as npt

from simhand.errors import DataError
from simhand.evaluation.exchange.given_hands import GivenHands
from simhand.files.atomic import write_text
from simhand.files.tables import JOINTS

MM_PER_M = 1000.0
NUMBERS = 3 * JOINTS


def write_dexycb(path: Path, ids: list[str], joints_m: npt.NDArray[np.float64]) -> None:
    """Write the result file of hands (N, 21, 3), by ascending id."""
    numbers = [int(name) for name in ids]
    rows = (joints_m * MM_PER_M).reshape(-1, NUMBERS).tolist()
    lines = [
        f"{number},{','.join(map(repr, row))}\n" for number, row in sorted(zip(numbers, rows, strict=True))
    ]
    write_text(path, "".join(lines))


def read_dexycb(path: Path) -> GivenHands:
    """Read a result file; blank lines do not count.

    Raises:
        DataError: the file does not exist, or a line is not an id and 63 numbers.
    """
    ids: list[str] = []
    joints: list[list[float]] = []
    try:
        with open(path, encoding="utf-8") as file:
            for number, line in enumerate(file, start=1):
                if not line.strip():
                    continue
                values = line.split(",")
                if len(values) != 1 + NUMBERS:
                    raise ValueError(f"line {number} has {len(values)} values, expected {1 + NUMBERS}")
                ids.append(str(int(values[0])))
                joints.append([float(value) for value in values[1:]])
    except FileNotFoundError as error:
        raise DataError(f"{path} does not exist; correct `file`") from error
    except ValueError as error:
        raise DataError(
            f"{path} is not a result file of DexYCB, id,x1,y1,z1,...,x21,y21,z21 on each line ({error})"
        ) from error
    return GivenHands(path, ids, np.array(joints).reshape(-1, JOINTS, 3) / MM_PER_M)
