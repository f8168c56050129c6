"""What table ``predictions`` says of the samples themselves, whoever predicted them."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from simhand.datasets.samples import HandSamples


def sample_ids(samples: HandSamples) -> list[str]:
    """The names of the samples: the numbers that the data set's own tool gives them, with eight digits."""
    return [f"{image_id:08d}" for image_id in samples.image_ids]


def sample_columns(samples: HandSamples) -> dict[str, list[Any]]:
    """The columns that do not depend on the predictions; left hands are left again."""
    seen = samples.unmirrored()
    return {
        "id": sample_ids(samples),
        "image": samples.images.tolist(),
        "side": np.where(samples.mirror_width_px > 0, "left", "right").tolist(),
        "sequence": [sequence or None for sequence in samples.sequences.tolist()],
        "frame": [None if frame < 0 else frame for frame in samples.frames.tolist()],
        "occluded_share": [None if np.isnan(share) else share for share in samples.occluded_share.tolist()],
        "ground_truth": flat(seen.joints_3d_m),
        "visible": samples.visible.tolist(),
        "intrinsics": flat(seen.intrinsics),
    }


def flat(array: NDArray[np.float64]) -> list[list[float]]:
    """Arrays (N, ...) as N lists of numbers."""
    lists: list[list[float]] = array.reshape(len(array), -1).tolist()
    return lists
