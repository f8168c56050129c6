"""Fitting of the pose embedding: exact PCA in float64 with fixed signs."""

from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.decomposition import PCA
from threadpoolctl import threadpool_limits

from simhand.errors import ConfigError, DataError
from simhand.mining.embedding import Float64Array, PoseEmbedding
from simhand.mining.normalisation import normalise_keypoints
from simhand.settings.pca import PcaSettings

# A component whose variance is this small beside the first one's is rounding, not data.
NEGLIGIBLE_VARIANCE = 1e-12


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
    features, usable = normalise_keypoints(keypoints, settings.normalisation, settings.min_palm_length)
    used = features[usable]
    _check_hands(used, len(features) - len(used), settings)
    mean = used.mean(axis=0)
    # BLAS rounds differently with every number of threads, and this takes a second for millions of hands.
    with threadpool_limits(1):
        fitted = PCA(svd_solver="covariance_eigh").fit(used - mean)
    variances = fitted.explained_variance_
    rank = int(np.count_nonzero(variances > NEGLIGIBLE_VARIANCE * variances[0]))
    if rank < settings.dimensions:
        raise ConfigError(
            f"pca.dimensions asks for {settings.dimensions}, but the normalised keypoints of the {len(used)} "
            f"hands of this set span {rank}; set pca.dimensions to at most {rank} or use a larger set"
        )
    embedding = PoseEmbedding(
        normalisation=settings.normalisation,
        min_palm_length=settings.min_palm_length,
        mean=mean,
        components=with_fixed_signs(fitted.components_[: settings.dimensions]),
        explained_variance=variances[: settings.dimensions],
        explained_variance_ratio=fitted.explained_variance_ratio_[: settings.dimensions],
    )
    description = {
        **settings.model_dump(),
        "rank": rank,
        "hands": len(used),
        "excluded": len(features) - len(used),
        "explained_variance_ratio": embedding.explained_variance_ratio.tolist(),
    }
    return embedding, description


def with_fixed_signs(components: Float64Array) -> Float64Array:
    """Components (D, 42) with the entry of largest magnitude of each made positive; the first on a tie."""
    rows = np.arange(len(components))
    largest = components[rows, np.abs(components).argmax(axis=1)]
    return components * np.where(largest < 0, -1.0, 1.0)[:, None]


def _check_hands(used: Float64Array, excluded: int, settings: PcaSettings) -> None:
    if len(used) < 2:
        raise DataError(
            f"PCA needs at least 2 hands, found {len(used)} ({excluded} left out: palm shorter than "
            f"pca.min_palm_length = {settings.min_palm_length}); use a larger set"
        )
    if (used == used[0]).all():
        raise DataError(f"the keypoints of all {len(used)} hands are the same, so no two can be told apart")
