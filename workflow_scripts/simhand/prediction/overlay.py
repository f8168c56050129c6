"""A picture with its predicted hands drawn over it, and beside it the same hands in 3D from two sides."""

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw

from simhand.prediction.predictor import Picture, PredictedHand
from simhand.prediction.views import View, draw_view
from simhand.report.figures.contact_sheet import contained
from simhand.report.figures.drawing import draw_box, draw_skeleton, resize
from simhand.report.figures.style import INK, MUTED, SIDE_COLOURS, font

SMALLEST_PX, LARGEST_PX = 480, 1080
"""Between these the height of the drawing follows that of the picture."""

VIEWS: dict[View, str] = {"camera": "from the camera", "right": "from the right"}
MOST_HANDS = 4
BONE_SHARE = 0.022
"""Width of a bone as a share of its hand's box."""


class Overlay:
    """Draws pictures of one size with room for some hands; all drawings have the same, even, size.

    Args:
        width_px, height_px: of the first picture; others are shown as large as they fit into its place.
        hands: how many are shown in 3D; of more those with the largest boxes.
    """

    def __init__(self, width_px: int, height_px: int, hands: int) -> None:
        height = 2 * round(min(max(height_px, SMALLEST_PX), LARGEST_PX) / 2)
        width = max(2, round(width_px * height / height_px))
        self._view_px = height // 2
        self._hands = hands
        # the odd column, if there is one, belongs to the picture: H.264 wants even sizes
        self._picture_px = width + (width + hands * self._view_px) % 2, height

    def draw(self, picture: Picture, hands: Sequence[PredictedHand]) -> Picture:
        """The drawing, (height, width, 3) uint8 RGB.

        Args:
            picture: RGB.
            hands: its hands, in pixels of it.
        """
        shown = np.asarray(contained(with_skeletons(picture, hands), *self._picture_px))
        chosen = _largest(hands, self._hands)
        columns = [self._column(hand) for hand in chosen]
        columns += [self._column(None) for _ in range(self._hands - len(chosen))]
        return np.hstack([shown, *columns])

    def _column(self, hand: PredictedHand | None) -> Picture:
        """One hand from two sides, one above the other, or nothing."""
        size = self._view_px
        views = [draw_view(None if hand is None else hand.joints_m, view, size) for view in VIEWS]
        canvas = Image.fromarray(np.vstack(views))
        pen = ImageDraw.Draw(canvas)
        text_px = max(11, size // 20)
        for place, title in enumerate(VIEWS.values()):
            pen.text((text_px // 2, place * size + text_px // 2), title, MUTED, font(text_px))
        if hand is not None:
            lines = [f"{hand.found.side} hand", f"{hand.found.score:.2f}"]
            for line, text in enumerate(lines):
                where = (size - text_px // 2, text_px // 2 + line * round(1.4 * text_px))
                pen.text(where, text, INK if line == 0 else MUTED, font(text_px, bold=line == 0), "ra")
            if np.isfinite(hand.root_m).all():
                pen.text(
                    (text_px // 2, 2 * size - text_px // 2),
                    f"wrist at {100 * hand.root_m[2]:.0f} cm",
                    MUTED,
                    font(text_px),
                    "ld",
                )
        pen.rectangle((0, 0, 0, 2 * size), MUTED)
        pen.rectangle((0, size, size, size), MUTED)
        return np.asarray(canvas)


def with_skeletons(picture: Picture, hands: Sequence[PredictedHand]) -> Picture:
    """A copy of ``picture`` with the box and the skeleton of every hand, small pictures enlarged first."""
    scale = max(1.0, SMALLEST_PX / picture.shape[0])
    height, width = (round(scale * side) for side in picture.shape[:2])
    drawn = resize(picture, width, height) if scale > 1 else picture.copy()
    for hand in hands:
        box = scale * np.array(hand.found.box)
        side = float(max(box[2] - box[0], box[3] - box[1]))
        draw_box(drawn, box, SIDE_COLOURS[hand.found.side], max(1, round(height / 480)))
        draw_skeleton(drawn, scale * hand.points_2d, max(1.5, BONE_SHARE * side))
    return drawn


def _largest(hands: Sequence[PredictedHand], count: int) -> list[PredictedHand]:
    """The hands with the largest boxes, in the order in which they were found."""

    def area(place: int) -> float:
        x1, y1, x2, y2 = hands[place].found.box
        return (x2 - x1) * (y2 - y1)

    places = sorted(range(len(hands)), key=area, reverse=True)[:count]
    return [hands[place] for place in sorted(places)]
