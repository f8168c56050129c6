"""SiMHand (the paper, 3.3): a hand must agree with the most similar hands of other videos.

Views: the anchor's crop, and the crop of its mined positive I+ (Eq. 1) or of several of them, each
augmented by itself with scale, rotation, translation and colour. The transform of each view is undone
on its embedding (T^-1). With adaptive weighting, closer pairs count more (Eq. 2 and 3).
"""

import numpy as np
from torch import Tensor

from simhand.pretraining.adaptive_weights import AdaptiveWeights
from simhand.pretraining.augment import Views
from simhand.pretraining.geometry import GeometryRanges, geometry_ranges
from simhand.pretraining.latent_alignment import align
from simhand.pretraining.methods.method import Contrast
from simhand.pretraining.nt_xent import nt_xent
from simhand.pretraining.random_draws import Int64Array
from simhand.settings.pretrain import PretrainSettings


class SimHand:
    """Mined positives, all augmentations, aligned embeddings."""

    def view_rows(self, anchors: Int64Array, positives: Int64Array | None) -> Int64Array:
        """The anchors, then their positives rank by rank."""
        assert positives is not None, "the trainer loads pairs for methods that learn from them"
        return np.stack([anchors, *positives[anchors].T])

    def geometry(self, settings: PretrainSettings) -> GeometryRanges:
        """Rotation, scale and translation."""
        return geometry_ranges(settings, rotation=True, scale=True, translation=True)

    def contrast(
        self, projections: Tensor, views: Views, weights: AdaptiveWeights, settings: PretrainSettings
    ) -> Contrast:
        """NT-Xent of the aligned projections."""
        embeddings = align(projections, views.geometry, settings.latent_alignment)
        return Contrast(nt_xent(embeddings, settings.temperature, weights), embeddings)


METHOD = SimHand()
