"""The searches that run on processors alone, by the name the config gives them."""

from functools import partial

from simhand.mining.search import Search
from simhand.settings.pairs import PairsSettings


def search_named(settings: PairsSettings) -> Search:
    """The search that ``pairs.backend`` names; torch is not among them (mine_pairs_torch.py)."""
    match settings.backend:
        case "tree":
            from simhand.mining.tree_search import search_by_tree

            return search_by_tree
        case "faiss_flat":
            from simhand.mining.faiss_search import search_by_faiss_flat

            return search_by_faiss_flat
        case "faiss_ivf":
            from simhand.mining.faiss_search import search_by_faiss_ivf

            return partial(search_by_faiss_ivf, probes=settings.probes)
        case backend:
            raise ValueError(f"{backend} has a script of its own")
