"""The network: a torchvision ResNet without its classifier, and a projection head above it."""

import logging
from pathlib import Path

import safetensors.torch
import torch
import torchvision.models
from torch import Tensor, nn

from simhand.errors import DataError
from simhand.settings.pretrain import PretrainSettings

NAMED = 8
"""How many tensors an error lists by name."""

log = logging.getLogger("simhand")


class ContrastiveModel(nn.Module):
    """Encoder E and projection head g of the paper: images (M, 3, H, W) to projections (M, D)."""

    def __init__(self, settings: PretrainSettings) -> None:
        super().__init__()
        self.encoder, self.features = make_encoder(settings.encoder)
        self.head = projection_head(self.features, settings.head_width, settings.embedding_size)

    def forward(self, images: Tensor) -> Tensor:
        """Both views of a batch go through together, so that BatchNorm sees them together."""
        projections: Tensor = self.head(self.encoder(images))
        return projections


def make_encoder(name: str) -> tuple[nn.Module, int]:
    """The torchvision ResNet ``name`` with random weights and no classifier, and its number of features."""
    encoder: nn.Module = getattr(torchvision.models, name)(weights=None)
    classifier = encoder.fc
    assert isinstance(classifier, nn.Linear)
    encoder.fc = nn.Identity()
    return encoder, classifier.in_features


def projection_head(features: int, width: int, embedding_size: int) -> nn.Sequential:
    """Linear, BatchNorm, ReLU, Linear without bias, as in PeCLR and the released SiMHand."""
    return nn.Sequential(
        nn.Linear(features, width),
        nn.BatchNorm1d(width),
        nn.ReLU(inplace=True),
        nn.Linear(width, embedding_size, bias=False),
    )


def initialise(encoder: nn.Module, architecture: str, init: str) -> None:
    """Fill ``encoder`` as ``init`` says: random (leave it), imagenet, or the path of a weights file.

    A weights file is .safetensors or a torch file of plain torchvision names, bare or under
    ``state_dict``; a classifier in it is left aside.

    Raises:
        DataError: the weights are not on this machine, cannot be read, or do not fit.
    """
    if init == "random":
        return
    path = imagenet_weights(architecture) if init == "imagenet" else Path(init)
    weights = {name: tensor for name, tensor in _read_weights(path).items() if not name.startswith("fc.")}
    _check_fit(encoder.state_dict(), weights, architecture, path)
    encoder.load_state_dict(encoder.state_dict() | weights)
    log.info("encoder starts from %s", path)


def imagenet_weights(architecture: str) -> Path:
    """Where torchvision keeps the first ImageNet weights of ``architecture``; nothing is downloaded here.

    Raises:
        DataError: they are not there.
    """
    weights = torchvision.models.get_model_weights(architecture)["IMAGENET1K_V1"]
    path = Path(torch.hub.get_dir()) / "checkpoints" / weights.url.rsplit("/", 1)[-1]
    if not path.is_file():
        raise DataError(
            f"init 'imagenet' needs {path}, which is not there; fetch {weights.url} to it "
            "(or set TORCH_HOME to where it is), or give a weights file or 'random' as init"
        )
    return path


def _read_weights(path: Path) -> dict[str, Tensor]:
    if not path.is_file():
        raise DataError(f"init: no weights file {path}; expected random, imagenet, or the path of a file")
    try:
        if path.suffix == ".safetensors":
            return dict(safetensors.torch.load_file(path))
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # what torch raises on bytes that are no archive depends on the bytes
        raise DataError(f"init: {path} is not a readable weights file ({error})") from error
    return dict(state.get("state_dict", state))


def _check_fit(expected: dict[str, Tensor], found: dict[str, Tensor], architecture: str, path: Path) -> None:
    problems = [f"{name} is missing" for name in expected if name not in found and not _is_counter(name)]
    problems += [f"{name} is not part of {architecture}" for name in found if name not in expected]
    problems += [
        f"{name} has shape {tuple(found[name].shape)}, expected {tuple(expected[name].shape)}"
        for name in expected
        if name in found and found[name].shape != expected[name].shape
    ]
    if problems:
        more = f" and {len(problems) - NAMED} more" if len(problems) > NAMED else ""
        raise DataError(
            f"init: {path} does not fit {architecture}: {'; '.join(problems[:NAMED])}{more}; "
            "expected plain torchvision names, and `pretrain.encoder` the architecture of the file"
        )


def _is_counter(name: str) -> bool:
    """Batch counters are absent from torchvision's older files."""
    return name.endswith("num_batches_tracked")
