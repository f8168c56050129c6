"""TempCLR (Ziani et al., 2022), the baseline of the paper's Table 5: a hand agrees with itself a moment on.

Views: the anchor's crop, and the crop of the same hand in an adjacent frame. The paper (6.3) names no other
difference to the methods beside it, and the release tells TempCLR by its file of pairs alone, so
augmentation, alignment and loss are SiMHand's. Ziani et al. pre-train for a hand model with augmentations
that are coherent in time; that is not what Table 5 compares with.
"""

from simhand.pretraining.methods.simhand import SimHand


class TempClr(SimHand):
    """SiMHand on the pairs of adjacent frames that its entry in ``METHODS`` asks for."""


METHOD = TempClr()
