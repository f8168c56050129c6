"""Exact search for the hands nearest to a point."""

import numpy as np

from simhand.mining.search import Float64Array, Int64Array, exact_distances


def nearest_hands(
    query: Float64Array, points: Float64Array, hand_ids: Int64Array, count: int
) -> tuple[Int64Array, Float64Array]:
    """The hands nearest to ``query`` (D,) by (distance, hand_id), whatever their recording.

    Args:
        query: where it lies.
        points: (N, D) of the hands.
        hand_ids: (N,).
        count: how many; fewer if there are fewer hands.

    Returns:
        Rows (K,) among the hands and distances (K,), as mining defines them.
    """
    kept = min(count, len(points))
    distances = exact_distances(query[None], points)[0]
    near = np.flatnonzero(distances <= np.partition(distances, kept - 1)[kept - 1])
    near = near[np.lexsort((hand_ids[near], distances[near]))][:kept]
    return near, distances[near]
