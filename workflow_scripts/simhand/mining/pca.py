"""Fitting of the pose embedding: exact PCA in float64 with fixed signs."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from threadpoolctl import threadpool_limits

from simhand.errors import ConfigError, DataError
from simhand.mining.embedding import Float64Array, PoseEmbedding
from simhand.mining.normalisation import normalise_keypoints
from simhand.mining.sampling import keyed_hash
from simhand.mining.sets import hand_ids_of
from simhand.settings.pca import PcaSettings

# A component whose variance is this small beside the first one's is rounding, not data.
NEGLIGIBLE_VARIANCE = 1e-12
ROWS_AT_ONCE = 65536
SAMPLE_SEED = 0


def draw_hands(hands: pa.Table, size: int | None) -> pa.Table:
    """``size`` random hands of a set (table ``set``), all of them if it has no more or ``size`` is None.

    The draw is that of :func:`simhand.mining.sampling.keyed_hash`: the same hands in every run.
    """
    if size is None or size >= hands.num_rows:
        return hands
    draw = keyed_hash(hand_ids_of(hands), SAMPLE_SEED)
    return hands.take(np.sort(np.argpartition(draw, size)[:size]))


def fit_embedding(
    keypoints: npt.NDArray[np.floating], settings: PcaSettings
) -> tuple[PoseEmbedding, dict[str, Any]]:
    """Fit the pose embedding to keypoints (N, 21, 2), x and y in [0, 1] of the crop.

    Returns:
        The embedding, and its description: normalisation, dimensions, hands used and left out, rank.

    Raises:
        DataError: fewer than two usable hands, or hands that are all the same.
        ConfigError: more dimensions are asked for than the keypoints have.
    """
    count, mean = _count_and_mean(keypoints, settings)
    # BLAS rounds differently with every number of threads, and this takes seconds for millions of hands.
    with threadpool_limits(1):
        products = np.zeros((len(mean), len(mean)))
        for features in _usable_features(keypoints, settings):
            centred = features - mean
            products += centred.T @ centred
        _, variances, components = np.linalg.svd(products / (count - 1), hermitian=True)
    rank = int(np.count_nonzero(variances > NEGLIGIBLE_VARIANCE * variances[0]))
    if rank < settings.dimensions:
        raise ConfigError(
            f"pca.dimensions asks for {settings.dimensions}, but the normalised keypoints of the {count} "
            f"hands of this set span {rank}; set pca.dimensions to at most {rank} or use a larger set"
        )
    embedding = PoseEmbedding(
        normalisation=settings.normalisation,
        min_palm_length=settings.min_palm_length,
        mean=mean,
        components=with_fixed_signs(components[: settings.dimensions]),
        explained_variance=variances[: settings.dimensions],
        explained_variance_ratio=(variances / variances.sum())[: settings.dimensions],
    )
    description = {
        **settings.model_dump(),
        "rank": rank,
        "hands": count,
        "excluded": len(keypoints) - count,
        "explained_variance_ratio": embedding.explained_variance_ratio.tolist(),
    }
    return embedding, description


def with_fixed_signs(components: Float64Array) -> Float64Array:
    """Components (D, 42) with the entry of largest magnitude of each made positive; the first on a tie."""
    rows = np.arange(len(components))
    largest = components[rows, np.abs(components).argmax(axis=1)]
    return components * np.where(largest < 0, -1.0, 1.0)[:, None]


def _usable_features(
    keypoints: npt.NDArray[np.floating], settings: PcaSettings
) -> Iterator[npt.NDArray[np.float64]]:
    """The normalised keypoints (n, 42) of the hands that can be used, some at a time."""
    for start in range(0, len(keypoints), ROWS_AT_ONCE):
        features, usable = normalise_keypoints(
            keypoints[start : start + ROWS_AT_ONCE], settings.normalisation, settings.min_palm_length
        )
        yield features[usable]


def _count_and_mean(keypoints: npt.NDArray[np.floating], settings: PcaSettings) -> tuple[int, Float64Array]:
    """How many hands can be used, and the mean (42,) of their features; see :func:`fit_embedding`."""
    count, total = 0, np.zeros(keypoints[0].size)
    low, high = np.full_like(total, np.inf), np.full_like(total, -np.inf)
    for features in _usable_features(keypoints, settings):
        count += len(features)
        total += features.sum(axis=0)
        low = np.minimum(low, features.min(axis=0, initial=np.inf))
        high = np.maximum(high, features.max(axis=0, initial=-np.inf))
    if count < 2:
        raise DataError(
            f"PCA needs at least 2 hands, found {count} ({len(keypoints) - count} left out: no scale, see "
            f"pca.min_palm_length = {settings.min_palm_length}); use a larger set"
        )
    if (low == high).all():
        raise DataError(f"the keypoints of all {count} hands are the same, so no two can be told apart")
    return count, total / count
