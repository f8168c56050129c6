"""The smallest rendered labelled sets in DexYCB's and AssemblyHands' layout, and their images as masks."""

from pathlib import Path

import numpy as np
from PIL import Image

from simhand.settings.world import LabelledSetSettings, WorldSettings

WORLD = WorldSettings(
    labels=LabelledSetSettings(
        unique_training=2, background_versions=2, evaluation=2, image_size_px=128, masks=True
    )
)


def show_masks_of_dexycb(root: Path) -> None:
    """Every colour image becomes its segmentation: white where the hand is."""
    for labels in root.glob("*-subject-*/*/*/labels_*.npz"):
        seg = np.load(labels)["seg"]
        image = labels.with_name(labels.name.replace("labels_", "color_")).with_suffix(".jpg")
        Image.fromarray((seg == 255).astype(np.uint8) * 255).save(image, quality=95)


def show_masks_of_freihand(root: Path) -> None:
    """Every training image becomes its mask."""
    masks = sorted((root / "training/mask").glob("*.jpg"))
    for number, image in enumerate(sorted((root / "training/rgb").glob("*.jpg"))):
        image.write_bytes(masks[number % len(masks)].read_bytes())
