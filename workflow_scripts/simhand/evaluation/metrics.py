"""Rows of the metrics table: every protocol asked for, applied to one file of predictions."""

import logging
import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from simhand.evaluation.predictions import Predictions
from simhand.evaluation.procrustes import fits_better_mirrored
from simhand.evaluation.protocols import PROTOCOLS, Protocol, Scores
from simhand.settings.evaluation import ProtocolName
from simhand.settings.experiments import FinetuneExperiment

log = logging.getLogger("simhand")

PERCENT = 100.0
# Among predictions with the right handedness, mere noise makes some fit better mirrored.
SUSPICIOUS_MIRRORED_SHARE = 0.5


def metric_rows(
    predictions: Predictions, protocols: Sequence[ProtocolName], experiment: FinetuneExperiment
) -> list[dict[str, Any]]:
    """Rows of table ``metrics`` for ``experiment``, one per protocol and metric.

    ``mpjpe`` and ``median_error`` are in mm, ``pck_auc`` and ``mirrored_share`` in %. ``failures``
    counts predictions that are not finite or cannot be aligned (:class:`Protocol` says how they
    count). A protocol that needs what was taken from the ground truth gives no row; if the ground truth
    is withheld, none does. ``top_k`` is one rank; where positives of several ranks are learned from at
    once, it is left open, and the name of the experiment tells them.
    """
    if not predictions.can_be_measured:
        log.warning(
            "%s gets no metrics: data set %s withholds the ground truth of its %d evaluation samples; "
            "predictions.parquet holds what to submit",
            experiment.name,
            experiment.dataset,
            len(predictions),
        )
        return []
    labels = experiment.model_dump()
    labels["experiment"] = labels.pop("name")
    if isinstance(experiment.top_k, str):
        labels["top_k"] = None
    rows = []
    for name in protocols:
        protocol = PROTOCOLS[name]
        if missing := taken_from_truth(protocol, predictions):
            log.info(
                "%s stays blank: it needs the %s, taken from ground truth here", name, " and ".join(missing)
            )
            continue
        scores = protocol.score(predictions.ground_truth_m, predictions.prediction_m, predictions.visible)
        failures = int(np.count_nonzero(scores.failed))
        if failures:
            log.warning("%s: %d of %d predictions failed and count as such", name, failures, len(predictions))
        common = {**labels, "protocol": name, "samples": len(predictions), "failures": failures}
        metrics = [*_metrics(scores), *_handedness(name, scores, predictions)]
        rows += [
            {**common, "metric": metric, "value": value, "unit": unit} for metric, value, unit in metrics
        ]
        log.info("%s: MPJPE %.2f mm, PCK-AUC %.2f %%", name, scores.mpjpe_mm, PERCENT * scores.pck_auc)
    return rows


def taken_from_truth(protocol: Protocol, predictions: Predictions) -> list[str]:
    """What ``protocol`` measures of a hand although it was not predicted but taken from its ground truth."""
    needed = {"absolute root": protocol.needs_root, "scale": protocol.needs_scale}
    sources = {"absolute root": predictions.root_sources, "scale": predictions.scale_sources}
    return [what for what, needs in needed.items() if needs and "ground_truth" in sources[what]]


def _metrics(scores: Scores) -> Iterator[tuple[str, float | None, str]]:
    yield "mpjpe", _or_none(scores.mpjpe_mm), "mm"
    yield "median_error", _or_none(scores.median_error_mm), "mm"
    yield "pck_auc", _or_none(PERCENT * scores.pck_auc), "%"


def _handedness(
    name: ProtocolName, scores: Scores, predictions: Predictions
) -> Iterator[tuple[str, float | None, str]]:
    """The share of predictions that fit better mirrored, beside the alignment that must not mirror."""
    if name != "procrustes_rotation" or scores.failed.all():
        return
    aligned = ~scores.failed
    mirrored = fits_better_mirrored(predictions.ground_truth_m[aligned], predictions.prediction_m[aligned])
    share = float(mirrored.mean())
    if share > SUSPICIOUS_MIRRORED_SHARE:
        log.warning(
            "%.0f %% of the predictions fit the ground truth better as their mirror image: are left and "
            "right exchanged? FreiHAND's and DexYCB's Procrustes do not notice",
            PERCENT * share,
        )
    yield "mirrored_share", PERCENT * share, "%"


def _or_none(value: float) -> float | None:
    return None if math.isnan(value) else value
