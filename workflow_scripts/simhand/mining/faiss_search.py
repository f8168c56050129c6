"""FAISS as a search: the flat index, made exact, and the inverted file, checked on a sample."""

import logging

import faiss
import numpy as np
import numpy.typing as npt

from simhand.mining.search import NO_NEIGHBOUR, Float64Array, Int32Array, Int64Array, Neighbours
from simhand.mining.shortlists import search_shortlists, to_float32
from simhand.mining.tree_search import search_by_tree

log = logging.getLogger("simhand")

CHECKED_HANDS = 1000
# FAISS wants this many hands per list to train the centres of an inverted file.
LEAST_PER_LIST = 39


def first_size(ranks: Int64Array) -> int:
    """Length of the first shortlists: the deepest rank and as many again of the hand's own recording."""
    return 2 * int(ranks[-1]) + 14


def search_by_faiss_flat(
    points: Float64Array, groups: Int32Array, ranks: Int64Array, threads: int
) -> Neighbours:
    """Exact :data:`simhand.mining.search.Search` with FAISS's flat index."""
    faiss.omp_set_num_threads(threads)
    rounded = to_float32(points)
    index = faiss.IndexFlatL2(points.shape[1])
    index.add(rounded.coordinates)

    def shortlist(rows: Int64Array, size: int) -> tuple[Int64Array, Float64Array]:
        squared, found = index.search(rounded.coordinates[rows], size)
        return found, squared[:, -1].astype(np.float64)

    def certain(rows: Int64Array, last: Float64Array, limit: Float64Array) -> npt.NDArray[np.bool_]:
        return limit > rounded.farthest_seeming(rows, last)

    return search_shortlists(points, groups, ranks, shortlist, certain, first_size(ranks))


def search_by_faiss_ivf(
    points: Float64Array, groups: Int32Array, ranks: Int64Array, threads: int, probes: int
) -> Neighbours:
    """:data:`simhand.mining.search.Search` with FAISS's inverted file; may miss hands.

    Every hand looks through ``probes`` of about 4 √N lists, and through more if they hold too few hands of
    other recordings. The answers for a sample of hands are compared with the exact ones.
    """
    faiss.omp_set_num_threads(threads)
    rounded = to_float32(points)
    lists = max(1, min(round(4 * len(points) ** 0.5), len(points) // LEAST_PER_LIST))
    quantiser = faiss.IndexFlatL2(points.shape[1])
    index = faiss.IndexIVFFlat(quantiser, points.shape[1], lists)
    index.train(rounded.coordinates)
    index.add(rounded.coordinates)
    size = first_size(ranks)

    def shortlist(rows: Int64Array, length: int) -> tuple[Int64Array, Float64Array]:
        index.nprobe = min(lists, probes * length // size)
        squared, found = index.search(rounded.coordinates[rows], length)
        return found, squared[:, -1].astype(np.float64)

    def certain(rows: Int64Array, last: Float64Array, limit: Float64Array) -> npt.NDArray[np.bool_]:
        return np.ones(len(rows), bool)

    found = search_shortlists(points, groups, ranks, shortlist, certain, size)
    sample = np.random.default_rng(0).permutation(len(points))[:CHECKED_HANDS]
    exact = search_by_tree(points, groups, ranks, threads, only=sample)
    there = exact.rows != NO_NEIGHBOUR
    correct = np.count_nonzero(exact.rows[there] == found.rows[sample][there])
    return found._replace(checked=np.count_nonzero(there), correct=correct)
