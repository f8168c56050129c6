"""Images inside the page: photographs as JPEG, plots as small PNG, both as data URIs."""

import base64
import io
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, UnidentifiedImageError

from simhand.errors import DataError

WIDEST_PX = 1600
# Figures are drawn this much larger than they are shown, for screens with fine pixels.
SHOWN_SCALE = 0.62
PLOT_COLOURS = 256


@dataclass(frozen=True)
class EmbeddedImage:
    """A data URI, the size of the image in it, and the width that it is shown at where there is room."""

    uri: str
    width_px: int
    height_px: int
    shown_px: int


def embed(path: Path, photographs: bool, jpeg_quality: int) -> EmbeddedImage:
    """The image at ``path``, no wider than the page needs, as a data URI.

    Raises:
        DataError: it is missing or no image.
    """
    try:
        with Image.open(path) as opened:
            image = opened.convert("RGB")
    except FileNotFoundError as error:
        raise DataError(f"{path} does not exist; run draw_figures again") from error
    except UnidentifiedImageError as error:
        raise DataError(f"{path} is not an image; run draw_figures again") from error
    shown_px = round(SHOWN_SCALE * image.width)
    if image.width > WIDEST_PX:
        height = round(image.height * WIDEST_PX / image.width)
        image = image.resize((WIDEST_PX, height), Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    if photographs:
        image.save(buffer, "jpeg", quality=jpeg_quality, optimize=True, progressive=True)
    else:
        image.quantize(PLOT_COLOURS, dither=Image.Dither.NONE).save(buffer, "png", optimize=True)
    kind = "jpeg" if photographs else "png"
    uri = f"data:image/{kind};base64,{base64.b64encode(buffer.getvalue()).decode()}"
    return EmbeddedImage(uri, image.width, image.height, shown_px)
