"""Every protocol asked for, applied to one file of predictions: the rows of the tables that come of it."""

import logging
import math
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from simhand.evaluation.acceleration import acceleration_errors, neighbouring_frames
from simhand.evaluation.bootstrap import RatioMean, percentile_intervals
from simhand.evaluation.breakdown import PERCENT, error_rows
from simhand.evaluation.curves import (
    Average,
    area_under_curve,
    areas_of_errors,
    first_within,
    pck_curve,
)
from simhand.evaluation.handedness import mirrored_by_side, mirrored_mean
from simhand.evaluation.image_plane import area_under_pck, end_point_error_px, pixel_errors
from simhand.evaluation.predictions import Predictions
from simhand.evaluation.protocols import (
    AUC_0_TO_50_MM,
    AUC_20_TO_50_MM,
    PROTOCOLS,
    Protocol,
    Scores,
    missed,
)
from simhand.settings.evaluation import EvaluationSettings, ProtocolName

log = logging.getLogger("simhand")


class SampleErrors(NamedTuple):
    """What a protocol says of each prediction: mean error (N,), NaN if no joint counts, and failures (N,)."""

    protocol: str
    error_mm: npt.NDArray[np.float64]
    failed: npt.NDArray[np.bool_]


@dataclass
class Evaluation:
    """What is measured of one model: rows of ``metrics`` and ``errors``, and columns of ``sample_errors``."""

    metrics: list[dict[str, Any]] = field(default_factory=list)
    errors: list[dict[str, Any]] = field(default_factory=list)
    sample_errors: list[SampleErrors] = field(default_factory=list)


class _Metric(NamedTuple):
    """One number of a protocol; ``mean``, in units of ``value``, is what its interval is resampled from."""

    protocol: str
    metric: str
    value: float
    unit: str
    failures: int
    mean: RatioMean | None = None


def evaluate(
    predictions: Predictions, settings: EvaluationSettings, model: dict[str, Any], threads: int = 1
) -> Evaluation:
    """Measure ``predictions`` by every protocol of ``settings``.

    ``mpjpe`` and ``median_error`` are in mm, ``pck_auc`` in %, ``acceleration_error`` in mm per squared
    frame; ``failures`` counts predictions that are not finite or cannot be aligned (:class:`Protocol`
    says how they count). ``mirrored_share`` (protocol ``procrustes_rotation``) is given whatever is asked
    for. A protocol that needs what was taken from the ground truth gives no row; if the ground truth is
    withheld, none does.

    Args:
        predictions: with their ground truth.
        settings: protocols and intervals.
        model: what the rows of ``metrics`` say of the model, see :mod:`simhand.evaluation.model_columns`.
        threads: how many protocols to apply at once.
    """
    found = Evaluation()
    if not predictions.can_be_measured:
        log.warning(
            "%s gets no metrics: data set %s withholds the ground truth of its %d evaluation samples; "
            "predictions.parquet holds what to submit",
            model["experiment"],
            model["dataset"],
            len(predictions),
        )
        return found
    triples = neighbouring_frames(predictions.tracks, predictions.frames)
    measured: list[_Metric] = []
    chosen: list[ProtocolName] = []
    for name in settings.protocols:
        if name == "mmpose_2d":
            measured += _in_the_image(predictions)
        elif missing := taken_from_truth(PROTOCOLS[name], predictions):
            log.info(
                "%s stays blank: it needs the %s, taken from ground truth here", name, " and ".join(missing)
            )
        else:
            chosen.append(name)
    # What the threads share is found before they start.
    predictions.hands.fit.aligned()
    with ThreadPoolExecutor(threads) as pool:
        for part in pool.map(lambda name: _apply(name, predictions, triples), chosen):
            _log(part, len(predictions))
            measured += part.metrics
            found.errors += part.errors
            found.sample_errors.append(part.sample_errors)
    shares = list(mirrored_by_side(predictions))
    if shares:
        mean = mirrored_mean(predictions)
        share = PERCENT * float(mean.sums.sum() / mean.counts.sum())
        unaligned = len(predictions) - sum(count for _, _, count in shares)
        measured.append(_Metric("procrustes_rotation", "mirrored_share", share, "%", unaligned, mean))
    for side, share, count in shares:
        row = {"protocol": "procrustes_rotation", "kind": "mirrored", "key": side, "value": PERCENT * share}
        found.errors.append(row | {"unit": "%", "samples": count})
    found.metrics = list(_rows(measured, predictions, settings, model))
    return found


class _Applied(NamedTuple):
    """What one protocol says."""

    metrics: list[_Metric]
    errors: list[dict[str, Any]]
    sample_errors: SampleErrors


def _apply(name: ProtocolName, predictions: Predictions, triples: npt.NDArray[np.int64]) -> _Applied:
    protocol = PROTOCOLS[name]
    scores = protocol.score_pairs(predictions.hands)
    return _Applied(
        list(_metrics(name, protocol, scores, predictions, triples)),
        list(error_rows(name, protocol, scores, predictions)),
        _sample_errors(name, scores),
    )


def taken_from_truth(protocol: Protocol, predictions: Predictions) -> list[str]:
    """What ``protocol`` measures of a hand although it was not predicted but taken from its ground truth."""
    needed = {"absolute root": protocol.needs_root, "scale": protocol.needs_scale}
    sources = {"absolute root": predictions.root_sources, "scale": predictions.scale_sources}
    return [what for what, needs in needed.items() if needs and "ground_truth" in sources[what]]


def _metrics(
    name: str,
    protocol: Protocol,
    scores: Scores,
    predictions: Predictions,
    triples: npt.NDArray[np.int64],
) -> Iterator[_Metric]:
    failures = int(np.count_nonzero(scores.failed))
    counted, average = scores.counted_columns, protocol.average
    mean = _ratio_mean(scores.columns_mm, counted, average)
    yield _Metric(name, "mpjpe", scores.mpjpe_mm, "mm", failures, mean)
    yield _Metric(name, "median_error", scores.median_error_mm, "mm", failures)
    if len(scores.thresholds_mm):
        areas = areas_of_errors(scores.first_within, scores.thresholds_mm)
        mean = _ratio_mean(areas, counted, average, mean.counts)
        yield _Metric(name, "pck_auc", PERCENT * scores.pck_auc, "%", failures, mean)
    if scores.thresholds_mm is AUC_20_TO_50_MM:
        first = first_within(missed(scores.columns_mm, scores.failed), AUC_0_TO_50_MM)
        area = area_under_curve(pck_curve(first, counted, len(AUC_0_TO_50_MM), average), AUC_0_TO_50_MM)
        mean = _ratio_mean(areas_of_errors(first, AUC_0_TO_50_MM), counted, average, mean.counts)
        yield _Metric(name, "pck_auc_0_to_50", PERCENT * area, "%", failures, mean)
    if len(triples) and not protocol.rotates:
        errors, counted = acceleration_errors(scores.residuals_mm, scores.counted, triples)
        value = float(errors[counted].mean()) if counted.any() else math.nan
        sums, counts = np.zeros((2, len(predictions), 1))
        sums[triples[:, 1], 0] = np.where(counted, errors, 0.0).sum(axis=1)
        counts[triples[:, 1], 0] = counted.sum(axis=1)
        yield _Metric(name, "acceleration_error", value, "mm/frame^2", failures, RatioMean(sums, counts))


def _ratio_mean(
    values: npt.NDArray[np.float64],
    counted: npt.NDArray[np.bool_],
    average: Average,
    counts: npt.NDArray[np.float64] | None = None,
) -> RatioMean:
    """The average of ``values`` (N, J) as a mean over samples that can be resampled.

    ``counts`` are those of another mean over the same joints, if there is one.
    """
    kept = np.where(counted, values, 0.0)
    if average == "micro" or counted.all():
        kept, totals = kept.sum(axis=1, keepdims=True), counted.sum(axis=1, keepdims=True)
    else:
        totals = counted
    return RatioMean(kept, totals.astype(np.float64) if counts is None else counts)


def _in_the_image(predictions: Predictions) -> Iterator[_Metric]:
    if np.isnan(predictions.prediction_px).all():
        log.info("mmpose_2d stays blank: no 2D joints were predicted")
        return
    errors = pixel_errors(predictions.ground_truth_m, predictions.intrinsics, predictions.prediction_px)
    failures = int((~np.isfinite(errors)).any(axis=1).sum())
    yield _Metric("mmpose_2d", "epe", end_point_error_px(errors, predictions.visible), "px", failures)
    area = area_under_pck(errors, predictions.visible)
    yield _Metric("mmpose_2d", "pck_auc", PERCENT * area, "%", failures)


def _sample_errors(name: str, scores: Scores) -> SampleErrors:
    counts = scores.counted.sum(axis=1)
    sums = np.where(scores.counted, scores.errors_mm, 0.0).sum(axis=1)
    errors = np.divide(sums, counts, out=np.full(len(counts), np.nan), where=counts > 0)
    return SampleErrors(name, errors, scores.failed)


def _rows(
    measured: list[_Metric], predictions: Predictions, settings: EvaluationSettings, model: dict[str, Any]
) -> Iterator[dict[str, Any]]:
    """The rows of ``metrics`` with their intervals."""
    resampled = [metric for metric in measured if metric.mean is not None]
    clusters = predictions.clusters
    unit = "samples" if clusters.max() + 1 == len(predictions) else "sequences"
    if settings.bootstrap_resamples and clusters.max() == 0:
        log.info("no confidence intervals: all samples are of one recording, which says nothing of others")
    intervals = percentile_intervals(
        [metric.mean for metric in resampled if metric.mean is not None],
        clusters,
        settings.bootstrap_resamples,
        settings.confidence,
        settings.bootstrap_seed,
    )
    by_metric = {id(metric): interval for metric, interval in zip(resampled, intervals, strict=True)}
    for metric in measured:
        scale = PERCENT if metric.unit == "%" else 1.0
        low, high = (scale * bound for bound in by_metric.get(id(metric), (math.nan, math.nan)))
        yield {
            **model,
            "protocol": metric.protocol,
            "metric": metric.metric,
            "value": _or_none(metric.value),
            "unit": metric.unit,
            "samples": len(predictions),
            "failures": metric.failures,
            "low": _or_none(low),
            "high": _or_none(high),
            "resampled": None if math.isnan(low) else unit,
        }


def _log(part: _Applied, total: int) -> None:
    mpjpe = part.metrics[0]
    if mpjpe.failures:
        log.warning(
            "%s: %d of %d predictions failed and count as such", mpjpe.protocol, mpjpe.failures, total
        )
    areas = [metric.value for metric in part.metrics if metric.metric == "pck_auc"]
    curve = f", PCK-AUC {areas[0]:.2f} %" if areas else ""
    log.info("%s: MPJPE %.2f mm%s", mpjpe.protocol, mpjpe.value, curve)


def _or_none(value: float) -> float | None:
    return None if math.isnan(value) else value
