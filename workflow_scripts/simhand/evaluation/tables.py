"""The files that an evaluation leaves behind."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from simhand.evaluation.metrics import Evaluation
from simhand.evaluation.predictions import Predictions
from simhand.files.tables import make_table, write_table


def write_evaluation(folder: Path, evaluation: Evaluation, predictions: Predictions) -> None:
    """Write metrics.parquet, errors.parquet and sample_errors.parquet to ``folder``."""
    write_table(folder / "metrics.parquet", "metrics", evaluation.metrics)
    write_table(folder / "errors.parquet", "errors", evaluation.errors)
    write_table(folder / "sample_errors.parquet", "sample_errors", _sample_errors(evaluation, predictions))


def _sample_errors(evaluation: Evaluation, predictions: Predictions) -> pa.Table:
    ids = pa.array(predictions.ids, pa.string())
    mirrored = predictions.hands.fit.better_mirrored() if evaluation.sample_errors else None
    parts = [make_table("sample_errors", [])]
    for found in evaluation.sample_errors:
        columns = {
            "id": ids,
            "protocol": pa.repeat(found.protocol, len(ids)),
            "error_mm": pc.if_else(np.isnan(found.error_mm), None, found.error_mm),
            "failed": found.failed,
            "mirrored": mirrored,
        }
        parts.append(make_table("sample_errors", columns))
    return pa.concat_tables(parts)
