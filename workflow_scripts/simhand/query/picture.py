"""A picture of a photo's hands, each with its keypoints beside the most similar hands of a set."""

from collections.abc import Sequence

import numpy as np

from simhand.query.matches import Match
from simhand.query.photos import Photo, PhotoHand
from simhand.report.figures.contact_sheet import Sheet, Tile, draw_sheet
from simhand.report.figures.drawing import Pixels, decode, draw_box, draw_skeleton, resize
from simhand.report.figures.style import INK, PAPER, SIDE_COLOURS, image_png, rgb

TILE_PX = 160
MATCHES_PER_ROW = 8


def draw_answer(photo: Photo, answers: Sequence[tuple[PhotoHand, Sequence[Match]]]) -> bytes:
    """The PNG: for each hand its crop with keypoints, the photo with its box below, and its matches."""
    frame = decode(photo.encoded, photo.name)
    rows = []
    for hand, matches in answers:
        left = [_hand_tile(hand), _photo_tile(photo, frame, hand)]
        tiles = [_match_tile(match) for match in matches]
        parts = [tiles[start : start + MATCHES_PER_ROW] for start in range(0, len(tiles), MATCHES_PER_ROW)]
        for line in range(max(len(left), len(parts))):
            first = left[line] if line < len(left) else _empty_tile()
            rows.append([first, *(parts[line] if line < len(parts) else [])])
    return image_png(draw_sheet(Sheet(rows, TILE_PX, TILE_PX, gap_px=14)))


def _hand_tile(hand: PhotoHand) -> Tile:
    pixels = resize(decode(hand.crop["jpeg"], "the crop of the photo"), TILE_PX, TILE_PX)
    side, keypoints = hand.crop["side"], hand.keypoints
    if keypoints is not None:
        draw_skeleton(pixels, keypoints.points[:, :2] * TILE_PX, width_px=2.2)
    return Tile([pixels], ["query", f"{side}, mirrored" if side == "left" else side], frame=INK)


def _photo_tile(photo: Photo, frame: Pixels, hand: PhotoHand) -> Tile:
    height, width = frame.shape[:2]
    scale = TILE_PX / max(height, width)
    small = resize(frame, max(1, round(width * scale)), max(1, round(height * scale)))
    box = np.array([hand.crop[name] for name in ("x1", "y1", "x2", "y2")]) * scale
    draw_box(small, box, SIDE_COLOURS[hand.crop["side"]], 2)
    return Tile([small], ["photo", photo.name])


def _match_tile(match: Match) -> Tile:
    pixels = resize(decode(match.jpeg, f"the crop of hand {match.hand['hand_id']}"), TILE_PX, TILE_PX)
    where = f"{match.hand['side']} · {match.timestamp_s:.1f} s"
    return Tile([pixels], [f"{match.rank} · {match.distance:.3f}", match.hand["group_id"], where])


def _empty_tile() -> Tile:
    return Tile([np.full((TILE_PX, TILE_PX, 3), rgb(PAPER), np.uint8)])
