"""Cluttered places to put hands in: walls, tables, and things lying about, all procedural."""

import string

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

# share of the picture's diagonal that a thing measures
_THING_SIZE = (0.06, 0.34)


def clutter(width_px: int, height_px: int, rng: np.random.Generator) -> np.ndarray:
    """A background picture, (height, width, 3) float32 sRGB in [0, 1]."""
    palette = _palette(rng)
    image = Image.fromarray(_bytes(_surfaces(width_px, height_px, palette, rng)))
    far, near = int(rng.integers(8, 18)), int(rng.integers(4, 12))
    for _ in range(far):
        _draw_thing(image, palette, rng)
    image = image.filter(ImageFilter.GaussianBlur(rng.uniform(1.0, 2.4) * width_px / 480))
    for _ in range(near):
        _draw_thing(image, palette, rng)
    image = image.filter(ImageFilter.GaussianBlur(rng.uniform(0.7, 1.7) * width_px / 480))
    picture = np.asarray(image, dtype=np.float32) / 255
    return np.clip(picture * _falloff(width_px, height_px, rng)[..., None], 0, 1).astype(np.float32)


# sRGB of rooms and of what stands in them: paint, wood, paper, plastic, cloth, plants
_ROOM_COLOURS = (
    np.array(
        [
            [226, 220, 208],
            [196, 186, 170],
            [168, 178, 184],
            [150, 160, 142],
            [104, 90, 80],
            [188, 164, 136],
            [84, 70, 62],
            [206, 198, 176],
            [104, 112, 124],
            [70, 74, 80],
            [214, 206, 214],
            [128, 122, 118],
        ]
    )
    / 255
)
_THING_COLOURS = (
    np.array(
        [
            [238, 236, 230],
            [34, 34, 38],
            [52, 84, 140],
            [150, 46, 40],
            [60, 98, 62],
            [206, 168, 60],
            [122, 124, 128],
            [88, 56, 38],
            [196, 110, 58],
            [70, 130, 140],
            [182, 150, 160],
            [110, 84, 130],
            [160, 200, 220],
        ]
    )
    / 255
)


def _palette(rng: np.random.Generator) -> np.ndarray:
    """Eight colours (8, 3): two of the room, six of things, under one exposure."""
    room = _ROOM_COLOURS[rng.choice(len(_ROOM_COLOURS), 2, replace=False)]
    things = _THING_COLOURS[rng.choice(len(_THING_COLOURS), 6, replace=False)]
    colours = np.concatenate([room, things]) * rng.normal(1, 0.04, (8, 3))
    return (colours * rng.uniform(0.65, 1.05)).clip(0.02, 0.97)


def green_screen(width_px: int, height_px: int, rng: np.random.Generator) -> np.ndarray:
    """A studio's green cloth with folds and uneven light, as FreiHAND was recorded before."""
    green = np.array([0.22, 0.58, 0.30]) * rng.uniform(0.8, 1.15)
    folds = 1 + 0.10 * _noise(width_px, height_px, (int(rng.integers(2, 4)), int(rng.integers(5, 12))), rng)
    picture = green * (folds * _falloff(width_px, height_px, rng))[..., None]
    return np.clip(picture, 0, 1).astype(np.float32)


def _bytes(picture: np.ndarray) -> np.ndarray:
    return (picture.clip(0, 1) * 255).astype(np.uint8)


def _noise(width_px: int, height_px: int, cells: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """Smooth noise of about unit size with ``cells`` = (rows, columns) bumps, (height, width)."""
    coarse = Image.fromarray(rng.normal(0, 1, cells).astype(np.float32))
    return np.asarray(coarse.resize((width_px, height_px), Image.Resampling.BICUBIC))


def _surfaces(width_px: int, height_px: int, palette: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A wall above and a table or floor below, one of them perhaps wood, tiles or wallpaper."""
    y, x = np.mgrid[0:height_px, 0:width_px] / height_px
    edge = rng.uniform(-0.2, 1.2) + rng.uniform(-0.2, 0.2) * x
    below = (y > edge)[..., None]
    return np.where(below, _material(x, y, palette[1], rng), _material(x, y, palette[0], rng))


def _material(x: np.ndarray, y: np.ndarray, colour: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    height_px, width_px = x.shape
    cloudy = 0.10 * _noise(width_px, height_px, (5, 6), rng) + 0.03 * _noise(
        width_px, height_px, (60, 80), rng
    )
    kind = rng.choice(["plain", "wood", "tiles", "stripes"])
    turn = rng.uniform(0, np.pi)
    along, across = x * np.cos(turn) + y * np.sin(turn), y * np.cos(turn) - x * np.sin(turn)
    if kind == "wood":
        wobble = _noise(width_px, height_px, (3, 3), rng)
        grain = (
            0.14 * np.sin(60 * across + 4 * wobble)
            + 0.10 * (np.floor(across * 4) % 2)
            - 0.3 * (across * 4 % 1 < 0.02)
        )
    elif kind == "tiles":
        size = rng.uniform(4, 10)
        grain = -0.35 * ((along * size % 1 < 0.05) | (across * size % 1 < 0.05)) + 0.06 * (
            (np.floor(along * size) + np.floor(across * size)) % 2
        )
    elif kind == "stripes":
        grain = 0.2 * np.sign(np.sin(rng.uniform(15, 50) * across))
    else:
        grain = np.zeros_like(x)
    return colour * (1 + cloudy + grain)[..., None]


def _falloff(width_px: int, height_px: int, rng: np.random.Generator) -> np.ndarray:
    """Uneven light over the picture, (height, width)."""
    y, x = np.mgrid[0:height_px, 0:width_px]
    turn, depth = rng.uniform(0, 2 * np.pi), rng.uniform(0.05, 0.3)
    slope = (x / width_px - 0.5) * np.cos(turn) + (y / height_px - 0.5) * np.sin(turn)
    return 1 + depth * 2 * slope + 0.06 * _noise(width_px, height_px, (3, 4), rng)


def _draw_thing(image: Image.Image, palette: np.ndarray, rng: np.random.Generator) -> None:
    """One thing with a soft shadow: a box, a disc, a book with lettering, a cable, a sheet of lines."""
    width, height = image.size
    size = rng.uniform(*_THING_SIZE) * np.hypot(width, height) * np.array([1.0, rng.uniform(0.25, 1.0)])
    corner = rng.uniform([-0.1, -0.1], [1.0, 1.0]) * [width, height]
    colour = palette[rng.integers(1, len(palette))] * rng.uniform(0.75, 1.2)
    kind = rng.choice(["box", "disc", "lettered", "cable", "sheet"], p=[0.35, 0.2, 0.2, 0.1, 0.15])
    layer = Image.new("RGBA", (int(size[0]) + 8, int(size[1]) + 8))
    draw = ImageDraw.Draw(layer)
    fill, dark = _colour(colour), _colour(colour * 0.55)
    box = (3, 3, int(size[0]) + 3, int(size[1]) + 3)
    if kind == "disc":
        draw.ellipse(box, fill=fill, outline=dark, width=3)
        inset = int(min(size) * rng.uniform(0.1, 0.3))
        draw.ellipse(
            (box[0] + inset, box[1] + inset, box[2] - inset, max(box[3] - inset, box[1] + inset)),
            fill=_colour(colour * rng.uniform(0.6, 1.3)),
        )
    elif kind == "cable":
        points = np.cumsum(rng.normal(0, 1, (6, 2)) * size / 4, 0) + size / 2
        draw.line([tuple(p) for p in points], fill=fill, width=int(rng.integers(2, 7)), joint="curve")
    else:
        draw.rectangle(box, fill=fill, outline=dark, width=2)
        if kind == "lettered":
            letters = list(string.ascii_lowercase + "     ")
            for line in range(8, int(size[1]) - 10, 14):
                text = "".join(rng.choice(letters, max(1, int(size[0] / 7 * rng.uniform(0.5, 0.95)))))
                draw.text((8, line), text, fill=_colour(0.85 - 0.8 * colour))
        elif kind == "sheet":
            for line in range(8, int(size[1]), int(rng.integers(5, 12))):
                draw.line((6, line, int(size[0] * rng.uniform(0.5, 0.95)), line), fill=dark, width=1)
        else:
            draw.rectangle((3, 3, int(size[0]) + 3, int(size[1] * 0.2) + 3), fill=_colour(colour * 1.3))
    layer = layer.rotate(rng.uniform(-60, 60), Image.Resampling.BILINEAR, expand=True)
    shadow = Image.new("RGBA", layer.size, (0, 0, 0, 0))
    shadow.putalpha(layer.getchannel("A").point(lambda alpha: alpha * 0.35).filter(ImageFilter.BoxBlur(3)))
    place = (int(corner[0]), int(corner[1]))
    image.paste(shadow, (place[0] + 4, place[1] + 5), shadow)
    image.paste(layer, place, layer)


def _colour(rgb: np.ndarray) -> tuple[int, ...]:
    return (*(int(v) for v in np.clip(rgb, 0, 1) * 255), 255)
