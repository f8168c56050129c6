"""Small mining problems of every awkward kind, and their answers by definition."""

from collections.abc import Callable
from functools import partial

import numpy as np
import torch

from simhand.mining.faiss_search import search_by_faiss_flat
from simhand.mining.search import NO_NEIGHBOUR, Search
from simhand.mining.torch_search import search_by_torch
from simhand.mining.tree_search import search_by_tree

Problem = tuple[np.ndarray, np.ndarray, np.ndarray]

EXACT_SEARCHES: dict[str, Search] = {
    "tree": search_by_tree,
    "faiss_flat": search_by_faiss_flat,
    "torch": partial(search_by_torch, device=torch.device("cpu")),
}


def by_definition(points, groups, hand_ids, ranks, queries=None):
    """Rows (Q, R) and distances (Q, R) of all hands or of the rows ``queries``, one hand at a time."""
    queries = range(len(points)) if queries is None else queries
    rows = np.full((len(queries), len(ranks)), NO_NEIGHBOUR)
    distances = np.full((len(queries), len(ranks)), np.inf)
    for number, query in enumerate(queries):
        squared = np.zeros(len(points))
        for axis in range(points.shape[1]):
            squared += (points[:, axis] - points[query, axis]) ** 2
        to_all = np.sqrt(squared)
        order = np.lexsort((hand_ids, to_all))
        order = order[groups[order] != groups[query]]
        for place, rank in enumerate(ranks):
            if rank <= len(order):
                rows[number, place] = order[rank - 1]
                distances[number, place] = to_all[order[rank - 1]]
    return rows, distances


def _ids(rng, count):
    return rng.permutation(10 * count)[:count] - 100


def normal(rng, count=400, dimensions=14, groups=9):
    """Nothing special."""
    return rng.normal(size=(count, dimensions)), rng.integers(0, groups, count), _ids(rng, count)


def lattice(rng, count=300):
    """Many equal distances and many equal hands."""
    return rng.integers(0, 4, (count, 3)).astype(float), rng.integers(0, 5, count), _ids(rng, count)


def duplicates(rng, count=300):
    """Three different hands, over and over."""
    return rng.normal(size=(3, 5))[rng.integers(0, 3, count)], rng.integers(0, 4, count), _ids(rng, count)


def one_point(rng, count=300):
    """All hands are the same."""
    return np.full((count, 4), 0.3), rng.integers(0, 7, count), _ids(rng, count)


def giant_recording(rng, count=400):
    """One recording holds all hands but a few."""
    groups = np.where(rng.random(count) < 0.97, 3, rng.integers(0, 3, count))
    return rng.normal(size=(count, 6)), groups, _ids(rng, count)


def two_recordings(rng, count=200):
    """Exactly half of the hands are of one recording."""
    return rng.normal(size=(count, 2)), np.arange(count) % 2, _ids(rng, count)


def recordings_of_one(rng, count=300):
    """Every hand is its own recording."""
    return rng.normal(size=(count, 8)), np.arange(count) + 10**9, _ids(rng, count)


def tight_recordings(rng, count=500):
    """Hands of a recording are nearly the same; the nearest of others are far away."""
    groups = rng.integers(0, 12, count)
    centres = rng.normal(size=(12, 14))
    return centres[groups] + 1e-4 * rng.normal(size=(count, 14)), groups, _ids(rng, count)


def clusters(rng, count=400):
    """Clusters of many recordings, too small for single precision to look into."""
    centres = rng.normal(size=(5, 7))
    points = centres[rng.integers(0, 5, count)] + 1e-9 * rng.normal(size=(count, 7))
    return points, rng.integers(0, 20, count), _ids(rng, count)


def far_from_the_origin(rng, count=300):
    """Where single precision sees one point only."""
    return 1e6 + 1e-3 * rng.normal(size=(count, 5)), rng.integers(0, 9, count), _ids(rng, count)


def with_outliers(rng, count=300):
    """Some hands lie a thousand million times farther out than others."""
    points = rng.normal(size=(count, 3)) * np.where(rng.random(count) < 0.05, 1e9, 1.0)[:, None]
    return points, rng.integers(0, 9, count), _ids(rng, count)


def tiny(rng, count=200):
    """Distances whose squares single precision cannot hold."""
    return 1e-30 * rng.normal(size=(count, 4)), rng.integers(0, 9, count), _ids(rng, count)


def one_dimension(rng, count=300):
    """D = 1."""
    return rng.normal(size=(count, 1)), rng.integers(0, 9, count), _ids(rng, count)


def most_dimensions(rng, count=250):
    """D = 42."""
    return rng.normal(size=(count, 42)), rng.integers(0, 9, count), _ids(rng, count)


def two_hands(rng):
    """The smallest set there is."""
    return rng.normal(size=(2, 14)), np.array([1, 0]), np.array([8, 3])


PROBLEMS: list[Callable[..., Problem]] = [
    normal,
    lattice,
    duplicates,
    one_point,
    giant_recording,
    two_recordings,
    recordings_of_one,
    tight_recordings,
    clusters,
    far_from_the_origin,
    with_outliers,
    tiny,
    one_dimension,
    most_dimensions,
    two_hands,
]
