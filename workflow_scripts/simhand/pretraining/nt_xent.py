"""The contrastive loss of the paper (Eq. 3): NT-Xent with separate weights for positives and negatives."""

import torch
from torch import Tensor


def nt_xent(
    first: Tensor,
    second: Tensor,
    temperature: float,
    pair_weight: Tensor | None = None,
    negative_weight: Tensor | None = None,
) -> Tensor:
    """Mean over all 2N anchors i of -log( exp(w_i s_ip / t) / sum over k != i of exp(W_ik s_ik / t) ).

    s are dot products of the rows, p is the other view of anchor i, t the temperature. The positive
    stays in the sum, with its entry of W. Without weights this is the NT-Xent loss of SimCLR.

    Args:
        first: (N, D) embeddings of the first views, rows of unit length.
        second: (N, D) embeddings of the second views, row i being the positive of ``first[i]``.
        temperature: t > 0.
        pair_weight: w (N,), one per positive pair, or None for 1.
        negative_weight: W (2N, 2N), row i for anchor i of [first; second], or None for 1.

    Returns:
        The loss, a scalar. Finite for any finite input: the sum is taken as a log-sum-exp.
    """
    embeddings = torch.cat([first, second])
    similarity = embeddings @ embeddings.T / temperature
    pairs = len(first)
    positive = torch.cat([similarity.diagonal(pairs), similarity.diagonal(-pairs)])
    if pair_weight is not None:
        positive = positive * pair_weight.repeat(2)
    if negative_weight is not None:
        similarity = similarity * negative_weight
    itself = torch.eye(2 * pairs, dtype=torch.bool, device=similarity.device)
    return (similarity.masked_fill(itself, -torch.inf).logsumexp(dim=1) - positive).mean()
