"""The pose embedding of a hand: its normalised keypoints projected on principal components (Sec. 3.2)."""

from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt

from simhand.errors import DataError
from simhand.files.atomic import atomic_path
from simhand.mining.normalisation import normalise_keypoints
from simhand.settings.pca import Normalisation

Float64Array = npt.NDArray[np.float64]
ROWS_AT_ONCE = 4096


@dataclass(frozen=True)
class PoseEmbedding:
    """A fitted PCA of D dimensions and the normalisation of keypoints that it was fitted with.

    Attributes:
        mean: (42,) of the normalised keypoints.
        components: (D, 42) orthonormal rows, descending by variance; the entry of largest magnitude of
            each is positive.
        explained_variance: (D,) variance along each component (divisor N - 1).
        explained_variance_ratio: (D,) the same as shares of the total variance.
    """

    normalisation: Normalisation
    min_palm_length: float
    mean: Float64Array
    components: Float64Array
    explained_variance: Float64Array
    explained_variance_ratio: Float64Array

    def embed(self, keypoints: npt.NDArray[np.floating]) -> tuple[Float64Array, npt.NDArray[np.bool_]]:
        """Coordinates (N, D) of keypoints (N, 21, 2), and which hands (N,) have one (see normalisation)."""
        coordinates = np.empty((len(keypoints), len(self.components)))
        usable = np.empty(len(keypoints), bool)
        for start in range(0, len(keypoints), ROWS_AT_ONCE):
            rows = slice(start, start + ROWS_AT_ONCE)
            features, usable[rows] = normalise_keypoints(
                keypoints[rows], self.normalisation, self.min_palm_length
            )
            coordinates[rows] = project(features, self.mean, self.components)
        return coordinates, usable

    def save(self, path: Path) -> None:
        """Write the embedding as .npz."""
        arrays = {name: np.asarray(getattr(self, name)) for name in self.__dataclass_fields__}
        with atomic_path(path) as partial, partial.open("wb") as file:
            np.savez(file, **arrays)

    @classmethod
    def load(cls, path: Path) -> "PoseEmbedding":
        """Read an embedding written by :meth:`save`.

        Raises:
            DataError: the file is missing or is not such a file.
        """
        try:
            with np.load(path, allow_pickle=False) as stored:
                arrays = {name: stored[name] for name in cls.__dataclass_fields__}
        except FileNotFoundError as error:
            raise DataError(f"{path} does not exist; run fit_pca first") from error
        except (OSError, ValueError, KeyError, EOFError, BadZipFile) as error:
            raise DataError(
                f"{path} is not a pose embedding ({error}); delete it and run fit_pca again"
            ) from error
        normalisation = arrays.pop("normalisation").item()
        min_palm_length = float(arrays.pop("min_palm_length"))
        return cls(normalisation=normalisation, min_palm_length=min_palm_length, **arrays)


def project(features: Float64Array, mean: Float64Array, components: Float64Array) -> Float64Array:
    """(features - mean) · componentsᵀ for features (N, 42); float64 (N, D).

    Sums coordinate by coordinate instead of calling BLAS, whose rounding depends on where a row lies in
    the matrix: equal hands must get equal bits, or their ties in mining would be broken at random.
    """
    centred = np.ascontiguousarray((features - mean).T)
    coordinates = np.zeros((len(components), len(features)))
    for axis, values in enumerate(centred):
        coordinates += components[:, axis, None] * values
    return coordinates.T
