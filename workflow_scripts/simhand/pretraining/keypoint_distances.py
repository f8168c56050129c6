"""How far apart the keypoints of two hands are, for the adaptive weights."""

from torch import Tensor

CACHED = 2**17
"""Distances that are summed up together on a CPU: half a MiB of float32."""


def pair_distance(first: Tensor, second: Tensor, kind: str = "joint_mean") -> Tensor:
    """Distances (...) of keypoints (..., 21, 2), hand by hand.

    ``joint_mean`` is the mean over joints of their distance, ``euclidean`` the length of all 42
    differences. ``signed_mean`` and ``absolute_mean`` are the length of the mean (absolute) coordinate
    difference over the joints.
    """
    difference = first - second
    if kind == "joint_mean":
        return difference.norm(dim=-1).mean(dim=-1)
    if kind == "euclidean":
        return difference.flatten(-2).norm(dim=-1)
    return (difference.abs() if kind == "absolute_mean" else difference).mean(dim=-2).norm(dim=-1)


def distances_to_all(some: Tensor, keypoints: Tensor, kind: str = "joint_mean") -> Tensor:
    """Distances (R, M) of keypoints (R, 21, 2) to all (M, 21, 2), summed joint by joint to need no more.

    For ``signed_mean`` and ``absolute_mean`` the release averages over x and y inside a joint and
    takes the length over the joints, the other way round than for pairs; kept as it is.
    """
    total = keypoints.new_zeros(len(some), len(keypoints))
    # What a processor works on 21 times over should stay in its cache; a GPU wants few, large launches.
    size = max(1, CACHED // len(keypoints)) if total.device.type == "cpu" else len(some)
    columns = keypoints.permute(1, 2, 0).contiguous()
    for tile, part in zip(total.split(size), some.split(size), strict=True):
        for (x, y), (all_x, all_y) in zip(part.permute(1, 2, 0), columns, strict=True):
            _add_joint(tile, x[:, None] - all_x, y[:, None] - all_y, kind)
    return total.div_(keypoints.shape[1]) if kind == "joint_mean" else total.sqrt_()


def _add_joint(total: Tensor, x: Tensor, y: Tensor, kind: str) -> None:
    """Add to ``total`` what a joint contributes that lies ``x`` and ``y`` apart; both are overwritten."""
    if kind == "joint_mean":
        total.add_(x.square_().addcmul_(y, y).sqrt_())
    elif kind == "euclidean":
        total.addcmul_(x, x).addcmul_(y, y)
    else:
        mean = (x.abs_().add_(y.abs_()) if kind == "absolute_mean" else x.add_(y)).div_(2)
        total.addcmul_(mean, mean)
