"""Our predictions in the form that the data set's own tool reads."""

import logging
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt

from simhand.errors import DataError
from simhand.evaluation.exchange.dexycb import write_dexycb
from simhand.evaluation.exchange.freihand import write_freihand
from simhand.evaluation.exchange.given_hands import GivenHands
from simhand.evaluation.predictions import load_predictions

log = logging.getLogger("simhand")

Writer = Callable[[Path, list[str], npt.NDArray[np.float64]], None]
WRITERS: dict[str, Writer] = {".zip": write_freihand, ".txt": write_dexycb}
"""By suffix of the file: FreiHAND's zip, DexYCB's text."""


def write_submission(path: Path, predictions: Path, wanted: list[str]) -> None:
    """Write the predictions of the samples ``wanted``, which are all that the data set's tool measures.

    A prediction that is not finite becomes a hand of zeros, which the tools measure as we count a failure;
    they stop at NaN.

    Raises:
        DataError: one of the samples is not predicted.
    """
    found = load_predictions(predictions)
    hands = GivenHands(predictions, found.ids, found.prediction_m).of_samples(wanted)
    failed = ~np.isfinite(hands).all(axis=(1, 2))
    if failed.any():
        log.warning("%d of %d predictions are not finite and become zeros", failed.sum(), len(hands))
    for what, sources in (("position", found.root_sources), ("size", found.scale_sources)):
        if "ground_truth" in sources:
            raise DataError(
                f"{predictions}: the {what} of hands was taken from the ground truth; such predictions "
                "cannot be submitted"
            )
    WRITERS[path.suffix](path, wanted, np.where(failed[:, None, None], 0.0, hands))
    log.info("%s: %d hands", path, len(hands))
