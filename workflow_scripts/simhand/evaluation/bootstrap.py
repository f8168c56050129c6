"""Percentile bootstrap intervals of means over samples, resampled by sample or by recording.

Efron and Tibshirani, "An Introduction to the Bootstrap" (1993), chapter 13. Frames of one recording are
alike, and an interval that takes them for independent is too narrow: recordings are drawn as a whole
then (cluster bootstrap). How often each cluster was drawn is a row of a matrix, so that all resamples
of all means are matrix products of these counts with the clusters' sums.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Float64Array = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

# Resampled clusters that are drawn at once: bounds the memory.
DRAWS_AT_ONCE = 2_000_000


@dataclass(frozen=True)
class RatioMean:
    """A mean over G groups of ratios: sum of ``sums`` (N, G) by sum of ``counts`` (N, G), per group.

    Groups are the joints of a macro average; a micro average has one. A group that counts nowhere in a
    resample is left out of it, as it is left out of the mean itself.
    """

    sums: Float64Array
    counts: Float64Array

    @staticmethod
    def of(sums: Float64Array, counts: Float64Array) -> Float64Array:
        """The mean in each of B resamples from their totals (B, G)."""
        counted = counts > 0
        ratios = np.divide(sums, counts, out=np.zeros_like(sums), where=counted)
        groups = counted.sum(axis=-1)
        return np.where(groups > 0, ratios.sum(axis=-1) / np.maximum(groups, 1), np.nan)


def percentile_intervals(
    means: Sequence[RatioMean], clusters: IntArray, resamples: int, confidence: float, seed: int
) -> list[tuple[float, float]]:
    """The interval (low, high) of each mean that holds ``confidence`` of its ``resamples`` resamples.

    The same resamples serve all means. NaN where there is only one cluster to draw from, or no resample.

    Args:
        means: of the same N samples.
        clusters: (N,) number of the cluster of each sample, from 0 without gaps.
        resamples: how many to draw.
        confidence: such as 0.95.
        seed: of the draws.
    """
    count = int(clusters.max()) + 1
    if count < 2 or resamples == 0:
        return [(np.nan, np.nan)] * len(means)
    totals = _resampled_totals(means, clusters, count, resamples, seed)
    tail = (1.0 - confidence) / 2
    intervals = []
    for mean in means:
        values = mean.of(totals[id(mean.sums)], totals[id(mean.counts)])
        defined = values[~np.isnan(values)]
        low, high = np.quantile(defined, (tail, 1.0 - tail)) if len(defined) else (np.nan, np.nan)
        intervals.append((float(low), float(high)))
    return intervals


def _resampled_totals(
    means: Sequence[RatioMean], clusters: IntArray, count: int, resamples: int, seed: int
) -> dict[int, Float64Array]:
    """Totals (resamples, G) of every array of ``means`` by its id; counts that means share come once."""
    arrays = {id(array): array for mean in means for array in (mean.sums, mean.counts)}
    columns = np.concatenate(list(arrays.values()), axis=1)
    # seven digits are more than an interval has, and half the time of sixteen
    by_cluster = _sums_by_cluster(columns, clusters, count).astype(np.float32)
    rng = np.random.default_rng(seed)
    rows = max(1, DRAWS_AT_ONCE // count)
    parts = [
        _draw(rng, min(rows, resamples - start), count) @ by_cluster for start in range(0, resamples, rows)
    ]
    ends = np.cumsum([array.shape[1] for array in arrays.values()])
    totals = np.concatenate(parts).astype(np.float64)
    return dict(zip(arrays, np.split(totals, ends[:-1], axis=1), strict=True))


def _draw(rng: np.random.Generator, resamples: int, clusters: int) -> npt.NDArray[np.float32]:
    """How often each cluster is drawn in each resample (resamples, clusters), each of as many draws."""
    times = np.empty((resamples, clusters), dtype=np.float32)
    for row in times:
        row[:] = np.bincount(rng.integers(0, clusters, clusters, dtype=np.int32), minlength=clusters)
    return times


def _sums_by_cluster(columns: Float64Array, clusters: IntArray, count: int) -> Float64Array:
    if count == len(columns):
        return columns
    order = np.argsort(clusters, kind="stable")
    starts = np.searchsorted(clusters[order], np.arange(count))
    summed: Float64Array = np.add.reduceat(columns[order], starts, axis=0)
    return summed
