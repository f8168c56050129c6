"""Predictions of anyone as a Parquet or CSV table: `id` and 63 numbers in metres."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq

from simhand.errors import DataError
from simhand.evaluation.exchange.given_hands import GivenHands
from simhand.files.tables import JOINTS

COORDINATES = [f"{axis}{joint}" for joint in range(JOINTS) for axis in "xyz"]
LIST = "prediction"


def read_hand_table(path: Path) -> GivenHands:
    """Read ``id`` and either x0, y0, z0 ... z20 or ``prediction`` (63 numbers), metres, camera frame.

    Raises:
        DataError: the file cannot be read, or its columns are others.
    """
    try:
        if path.suffix.lower() == ".csv":
            options = pa.csv.ConvertOptions(column_types={"id": pa.string()})
            table = pa.csv.read_csv(path, convert_options=options)
        else:
            table = pq.read_table(path)
    except FileNotFoundError as error:
        raise DataError(f"{path} does not exist; correct `file`") from error
    except pa.ArrowInvalid as error:
        raise DataError(f"{path} cannot be read ({error})") from error
    absent = [name for name in COORDINATES if name not in table.column_names]
    if "id" not in table.column_names or (LIST not in table.column_names and absent):
        raise DataError(
            f"{path} has columns {', '.join(table.column_names[:8])} ...; expected id and either "
            f"{LIST} or x0, y0, z0, ... z20 (missing: {', '.join(absent[:3])} ...)"
        )
    ids = [str(name) for name in table["id"].to_pylist()]
    try:
        if LIST in table.column_names:
            numbers = np.array(table[LIST].to_pylist(), dtype=np.float64).reshape(len(ids), JOINTS, 3)
        else:
            columns = [pc.cast(table[name], pa.float64()).to_numpy() for name in COORDINATES]
            numbers = np.stack(columns, axis=1).reshape(len(ids), JOINTS, 3)
    except (ValueError, TypeError, pa.ArrowInvalid) as error:
        raise DataError(f"{path} does not hold {3 * JOINTS} numbers for each id ({error})") from error
    return GivenHands(path, ids, numbers)
