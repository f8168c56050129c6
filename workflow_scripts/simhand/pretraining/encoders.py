"""The network: an encoder without its classifier, and a projection head above it."""

from torch import Tensor, nn

from simhand.backbones import make_encoder
from simhand.settings.pretrain import PretrainSettings


class ContrastiveModel(nn.Module):
    """Encoder E and projection head g of the paper: images (M, 3, H, W) to projections (M, D)."""

    def __init__(self, settings: PretrainSettings) -> None:
        super().__init__()
        self.encoder, self.features = make_encoder(settings.encoder, settings.image_size_px)
        self.head = projection_head(self.features, settings.head_width, settings.embedding_size)

    def forward(self, images: Tensor) -> Tensor:
        """Both views of a batch go through together, so that BatchNorm sees them together."""
        projections: Tensor = self.head(self.encoder(images))
        return projections


def projection_head(features: int, width: int, embedding_size: int) -> nn.Sequential:
    """Linear, BatchNorm, ReLU, Linear without bias, as in PeCLR and the released SiMHand."""
    return nn.Sequential(
        nn.Linear(features, width),
        nn.BatchNorm1d(width),
        nn.ReLU(inplace=True),
        nn.Linear(width, embedding_size, bias=False),
    )
