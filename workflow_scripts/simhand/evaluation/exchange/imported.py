"""Predictions made elsewhere as table ``predictions``, beside the ground truth of the data set."""

import logging
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa

from simhand.datasets.sample_columns import flat, sample_columns
from simhand.datasets.samples import HandSamples, project
from simhand.evaluation.exchange.dexycb import read_dexycb
from simhand.evaluation.exchange.freihand import read_freihand
from simhand.evaluation.exchange.given_hands import GivenHands
from simhand.evaluation.exchange.hand_table import read_hand_table
from simhand.files.tables import JOINTS, make_table
from simhand.settings.imported_predictions import ImportedModel

log = logging.getLogger("simhand")

READERS: dict[str, Callable[[Path], GivenHands]] = {
    ".json": read_freihand,
    ".zip": read_freihand,
    ".txt": read_dexycb,
    ".parquet": read_hand_table,
    ".csv": read_hand_table,
}


def imported_predictions(model: ImportedModel, path: Path, samples: HandSamples) -> pa.Table:
    """Table ``predictions`` of the hands in ``path`` for the evaluation ``samples``.

    2D predictions are the projections of the 3D ones where these lie where they were predicted, else NaN.

    Raises:
        DataError: the file cannot be read, or does not predict every sample.
    """
    given = READERS[path.suffix.lower()](path)
    columns = sample_columns(samples)
    hands = given.of_samples(columns["id"])
    log.info("%s: %d predictions, %d of them of samples here", path, len(given.ids), len(hands))
    pixels = np.full((len(hands), JOINTS, 2), np.nan)
    if "ground_truth" not in (model.root_source, model.scale_source):
        with np.errstate(divide="ignore", invalid="ignore"):
            pixels = project(hands, samples.unmirrored().intrinsics)
    return make_table(
        "predictions",
        {
            **columns,
            "prediction": flat(hands),
            "prediction_2d": flat(pixels),
            "root_source": [model.root_source] * len(hands),
            "scale_source": [model.scale_source] * len(hands),
        },
    )
