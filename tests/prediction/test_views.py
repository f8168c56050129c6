"""What is right, below and far lies where the two views say."""

import numpy as np
import pytest

from simhand.prediction.views import draw_view
from simhand.report.figures.style import FINGER_COLOURS, rgb

SIZE = 200


def place_of(image, finger):
    """Mean place (x, y) of a finger's colour, from the middle of the view."""
    rows, columns = np.nonzero((image == rgb(FINGER_COLOURS[finger])).all(axis=2))
    return columns.mean() - SIZE / 2, rows.mean() - SIZE / 2


@pytest.mark.parametrize(("view", "expected"), [("camera", (1, 1)), ("right", (0, 1))])
def test_what_is_right_is_right_from_the_camera_only(view, expected):
    x, y = place_of(draw_view(thumb_at(0.1, 0.05, 0), view, SIZE), "thumb")
    assert (np.sign(np.round([x, y], -1)) == expected).all()


@pytest.mark.parametrize(("view", "expected"), [("camera", (0, 1)), ("right", (1, 1))])
def test_what_is_far_is_right_from_the_right(view, expected):
    x, y = place_of(draw_view(thumb_at(0, 0.05, 0.1), view, SIZE), "thumb")
    assert (np.sign(np.round([x, y], -1)) == expected).all()


@pytest.mark.parametrize("view", ["camera", "right"])
def test_down_is_down_in_both(view):
    x, y = place_of(draw_view(thumb_at(0, 0.1, 0), view, SIZE), "thumb")
    assert y > 20 and abs(x) < 5


def thumb_at(x, y, z):
    """All joints in one place but those of the thumb, which point to (x, y, z)."""
    joints = np.zeros((21, 3))
    joints[1:5] = np.linspace(0.6, 1, 4)[:, None] * [x, y, z]
    return joints


def test_what_is_near_covers_what_is_far():
    joints = np.zeros((21, 3))
    joints[1:5], joints[17:21] = [0.05, 0, -0.05], [0.05, 0, 0.05]
    image = draw_view(joints, "camera", SIZE)
    assert (image[SIZE // 2, SIZE // 2 + 25] == rgb(FINGER_COLOURS["thumb"])).all()
    joints[:, 2] *= -1
    image = draw_view(joints, "camera", SIZE)
    assert (image[SIZE // 2, SIZE // 2 + 25] == rgb(FINGER_COLOURS["little"])).all()


def test_ten_centimetres_are_as_long_as_two_squares_of_the_grid():
    empty = draw_view(None, "camera", 280)
    lines = np.nonzero((empty[10] != 255).any(axis=1))[0]
    assert set(np.diff(lines)) == {50}
