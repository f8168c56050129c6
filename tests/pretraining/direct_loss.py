"""The loss as its formula stands, all (M, M) at once: the oracle of the streamed one."""

import torch
from torch import Tensor

from simhand.pretraining.adaptive_weights import AdaptiveWeights, PartWeights


def direct_nt_xent(
    embeddings: Tensor,
    hands: int,
    temperature: float,
    positive: Tensor | None = None,
    negative: Tensor | None = None,
) -> Tensor:
    """The loss of V views of N ``hands``; w ``positive`` (V, V, N) and W ``negative`` (V N, V N)."""
    views = len(embeddings) // hands
    similarity = embeddings @ embeddings.T / temperature
    weighted = similarity if negative is None else similarity * negative
    itself = torch.eye(len(embeddings), dtype=torch.bool)
    log_sum = weighted.masked_fill(itself, -torch.inf).logsumexp(dim=1)
    total = torch.zeros((), dtype=embeddings.dtype)
    for view in range(views):
        for other in range(views):
            if other != view:
                attraction = similarity.unflatten(0, (views, hands)).unflatten(2, (views, hands))
                attraction = attraction[view, :, other].diagonal()
                if positive is not None:
                    attraction = attraction * positive[view, other]
                total = total + (log_sum.unflatten(0, (views, hands))[view] - attraction).sum()
    return total / (len(embeddings) * (views - 1))


def given_weights(
    hands: int, positive: Tensor | None = None, negative: Tensor | None = None
) -> AdaptiveWeights:
    """Weights for the streamed loss from w (V, V, N), or (N,) for two views, and W (V N, V N)."""
    if positive is not None:
        positive = positive.expand(2, 2, -1) if positive.ndim == 1 else positive
        positive = positive.permute(0, 2, 1).flatten(0, 1)
    rows = None if negative is None else negative.__getitem__
    return AdaptiveWeights(hands, [PartWeights(slice(0, hands), positive, rows)])
