"""Sheets of photographs in rows, each with a line or two of text."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from PIL import Image, ImageDraw

from simhand.report.figures.drawing import Pixels, resize
from simhand.report.figures.style import INK, LINE, MUTED, PAPER, TINT, font

CORNER_PX = 6
TEXT_PX = 17
LINE_HEIGHT_PX = 23


@dataclass(frozen=True)
class Tile:
    """Photographs side by side and the text below them.

    Attributes:
        images: one or more.
        lines: shared by all images; the first line is in ink, the others are muted.
        labels: a last line with a text of its own for each image, or none.
        frame: colour of a frame around the images, if any.
    """

    images: Sequence[Pixels]
    lines: Sequence[str] = ()
    labels: Sequence[str] = ()
    frame: str | None = None


@dataclass(frozen=True)
class Sheet:
    """A contact sheet.

    Attributes:
        rows: tiles of each row.
        width_px, height_px: of one photograph.
        row_titles: text at the left of each row, or none.
        column_titles: text above each column, or none.
    """

    rows: Sequence[Sequence[Tile]]
    width_px: int
    height_px: int
    row_titles: Sequence[str] = ()
    column_titles: Sequence[str] = ()
    gap_px: int = 16
    margin_px: int = 18
    title_width_px: int = 160


def draw_sheet(sheet: Sheet) -> Image.Image:
    """The sheet as one image."""
    images = max(len(tile.images) for row in sheet.rows for tile in row)
    tile_width = images * sheet.width_px + (images - 1) * 3
    text_height = LINE_HEIGHT_PX * max(
        len(tile.lines) + bool(tile.labels) for row in sheet.rows for tile in row
    )
    tile_height = sheet.height_px + (text_height + 6 if text_height else 0)
    left = sheet.margin_px + (sheet.title_width_px if sheet.row_titles else 0)
    top = sheet.margin_px + (LINE_HEIGHT_PX + 10 if sheet.column_titles else 0)
    columns = max(len(row) for row in sheet.rows)
    width = left + columns * (tile_width + sheet.gap_px) - sheet.gap_px + sheet.margin_px
    height = top + len(sheet.rows) * (tile_height + sheet.gap_px) - sheet.gap_px + sheet.margin_px
    canvas = Image.new("RGB", (width, height), PAPER)
    pen = ImageDraw.Draw(canvas)
    for column, title in enumerate(sheet.column_titles):
        centre = left + column * (tile_width + sheet.gap_px) + tile_width // 2
        text = fitted(title, TEXT_PX, tile_width, bold=True)
        pen.text((centre, sheet.margin_px), text, INK, font(TEXT_PX, bold=True), "ma")
    for row, tiles in enumerate(sheet.rows):
        y = top + row * (tile_height + sheet.gap_px)
        if sheet.row_titles:
            _draw_row_title(pen, sheet, row, y)
        for column, tile in enumerate(tiles):
            _draw_tile(canvas, pen, sheet, tile, left + column * (tile_width + sheet.gap_px), y, tile_width)
    return canvas


def fitted(text: str, size_px: int, width_px: int, bold: bool = False) -> str:
    """``text``, its middle left out where it is too wide."""
    face, kept, shown = font(size_px, bold), len(text), text
    while kept > 4 and face.getlength(shown) > width_px:
        kept -= 1
        shown = f"{text[: (kept + 1) // 2]}\N{HORIZONTAL ELLIPSIS}{text[len(text) - kept // 2 :]}"
    return shown


def _draw_tile(
    canvas: Image.Image, pen: ImageDraw.ImageDraw, sheet: Sheet, tile: Tile, x: int, y: int, tile_width: int
) -> None:
    for place, pixels in enumerate(tile.images):
        image = contained(pixels, sheet.width_px, sheet.height_px)
        canvas.paste(image, (x + place * (sheet.width_px + 3), y), _rounded(sheet.width_px, sheet.height_px))
    if tile.frame:
        pen.rounded_rectangle(
            (x - 2, y - 2, x + tile_width + 1, y + sheet.height_px + 1), 7, None, tile.frame, 2
        )
    for number, line in enumerate(tile.lines):
        text = fitted(line, TEXT_PX, tile_width)
        position = (x + tile_width // 2, y + sheet.height_px + 6 + number * LINE_HEIGHT_PX)
        pen.text(position, text, INK if number == 0 else MUTED, font(TEXT_PX), "ma")
    _draw_labels(pen, sheet, tile, x, y + sheet.height_px + 6 + len(tile.lines) * LINE_HEIGHT_PX)


@cache
def _rounded(width_px: int, height_px: int) -> Image.Image:
    """A mask with smooth round corners: drawn four times as large and averaged."""
    mask = Image.new("L", (4 * width_px, 4 * height_px), 0)
    corners = (0, 0, 4 * width_px - 1, 4 * height_px - 1)
    ImageDraw.Draw(mask).rounded_rectangle(corners, 4 * CORNER_PX, fill=255)
    return mask.resize((width_px, height_px), Image.Resampling.BOX)


def _draw_labels(pen: ImageDraw.ImageDraw, sheet: Sheet, tile: Tile, x: int, y: int) -> None:
    for place, label in enumerate(tile.labels):
        text = fitted(label, TEXT_PX, sheet.width_px - 8)
        middle = x + place * (sheet.width_px + 3) + sheet.width_px // 2
        pen.text((middle, y), text, MUTED, font(TEXT_PX), "ma")


def _draw_row_title(pen: ImageDraw.ImageDraw, sheet: Sheet, row: int, y: int) -> None:
    middle = y + sheet.height_px // 2
    lines = sheet.row_titles[row].split("\n")
    for number, line in enumerate(lines):
        text = fitted(line, TEXT_PX, sheet.title_width_px - 12, bold=number == 0)
        offset = (number - (len(lines) - 1) / 2) * LINE_HEIGHT_PX
        shade = INK if number == 0 else MUTED
        pen.text((sheet.margin_px, middle + offset), text, shade, font(TEXT_PX, bold=number == 0), "lm")
    if row:
        line_y = y - sheet.gap_px // 2
        pen.line((sheet.margin_px, line_y, sheet.margin_px + sheet.title_width_px - 20, line_y), LINE)


def contained(pixels: Pixels, width_px: int, height_px: int) -> Image.Image:
    """The whole image, as large as it fits, on a neutral ground of the given size."""
    height, width = pixels.shape[:2]
    scale = min(width_px / width, height_px / height)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    canvas = Image.new("RGB", (width_px, height_px), TINT)
    image = Image.fromarray(np.ascontiguousarray(resize(pixels, *size)))
    canvas.paste(image, ((width_px - size[0]) // 2, (height_px - size[1]) // 2))
    return canvas
