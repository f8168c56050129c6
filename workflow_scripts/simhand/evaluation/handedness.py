"""Predictors that mirror hands: two official tools call their predictions perfect, so each side is tested."""

import logging
from collections.abc import Iterator

import numpy as np

from simhand.evaluation.bootstrap import RatioMean
from simhand.evaluation.predictions import SIDES, Predictions

log = logging.getLogger("simhand")

# Among predictions with the right handedness, mere noise makes some fit better mirrored.
SUSPICIOUS_MIRRORED_SHARE = 0.5


def mirrored_by_side(predictions: Predictions) -> Iterator[tuple[str, float, int]]:
    """Side, share of its predictions that fit better mirrored, and their number; says so if it is most.

    Each side is judged by itself: if only left hands come out as right ones, they may be few. Predictions
    that cannot be aligned tell nothing and are left out.
    """
    mirrored, aligned = predictions.hands.fit.better_mirrored(), predictions.hands.fit.aligned()
    for side in SIDES:
        of_side = aligned & (predictions.left == (side == "left"))
        count = int(of_side.sum())
        if count == 0:
            continue
        share = float(mirrored[of_side].mean())
        if share > SUSPICIOUS_MIRRORED_SHARE:
            log.warning(
                "%.0f %% of the %d predicted %s hands fit the ground truth better as their mirror image: are "
                "left and right exchanged, or is depth reversed? The Procrustes alignments of FreiHAND and "
                "DexYCB do not notice: believe procrustes_rotation",
                100 * share,
                count,
                side,
            )
        yield side, share, count


def mirrored_mean(predictions: Predictions) -> RatioMean:
    """The share of mirrored predictions among those that can be aligned, as a mean over samples."""
    fit = predictions.hands.fit
    aligned = fit.aligned()[:, None].astype(np.float64)
    return RatioMean(fit.better_mirrored()[:, None] * aligned, aligned)
