"""What the trainer asks of a method."""

from typing import NamedTuple, Protocol

from torch import Tensor

from simhand.pretraining.adaptive_weights import PairWeights
from simhand.pretraining.augment import Views
from simhand.pretraining.geometry import GeometryRanges
from simhand.pretraining.random_draws import Int64Array
from simhand.settings.pretrain import PretrainSettings


class Contrast(NamedTuple):
    """A loss, and the embeddings (2N, D) of unit length that it compared."""

    loss: Tensor
    embeddings: Tensor


class Method(Protocol):
    """A pre-training method: the object ``METHOD`` of ``methods/<name>.py``.

    A new one is a new file here, a line in methods/registry.py, and in settings/experiments.py its name
    in ``Method``, its title in ``METHOD_TITLES`` and, if it trains on mined pairs, its name in
    ``METHODS_WITH_PAIRS``.
    """

    def second_views(self, anchors: Int64Array, positives: Int64Array | None) -> Int64Array:
        """The rows whose crops give the second views of ``anchors``.

        ``positives`` holds each hand's mined positive, None where the method uses no pairs.
        """
        ...

    def geometry(self, settings: PretrainSettings) -> GeometryRanges:
        """The geometric augmentations of its views; colour is augmented in all methods."""
        ...

    def contrast(
        self, projections: Tensor, views: Views, weights: PairWeights, settings: PretrainSettings
    ) -> Contrast:
        """The loss of a batch from the head's outputs (2N, D), first views first."""
        ...
