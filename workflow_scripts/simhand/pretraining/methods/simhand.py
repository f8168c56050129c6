"""SiMHand (the paper, 3.3): a hand must agree with the most similar hand of another video.

Views: the anchor's crop, and the crop of its mined positive I+ (Eq. 1), each augmented by itself with
scale, rotation, translation and colour. The transform of each view is undone on its embedding
(T^-1). With adaptive weighting, closer pairs count more (Eq. 2 and 3).
"""

from torch import Tensor

from simhand.pretraining.adaptive_weights import PairWeights
from simhand.pretraining.augment import Views
from simhand.pretraining.geometry import GeometryRanges, geometry_ranges
from simhand.pretraining.latent_alignment import align
from simhand.pretraining.methods.method import Contrast
from simhand.pretraining.nt_xent import nt_xent
from simhand.pretraining.random_draws import Int64Array
from simhand.settings.pretrain import PretrainSettings


class SimHand:
    """Mined positives, all augmentations, aligned embeddings."""

    def second_views(self, anchors: Int64Array, positives: Int64Array | None) -> Int64Array:
        """The mined positive of each anchor."""
        assert positives is not None, "the trainer loads pairs for methods in METHODS_WITH_PAIRS"
        return positives[anchors]

    def geometry(self, settings: PretrainSettings) -> GeometryRanges:
        """Rotation, scale and translation."""
        return geometry_ranges(settings, rotation=True, scale=True, translation=True)

    def contrast(
        self, projections: Tensor, views: Views, weights: PairWeights, settings: PretrainSettings
    ) -> Contrast:
        """NT-Xent of the aligned projections."""
        embeddings = align(projections, views.geometry, settings.latent_alignment)
        first, second = embeddings.chunk(2)
        return Contrast(nt_xent(first, second, settings.temperature, *weights), embeddings)


METHOD = SimHand()
