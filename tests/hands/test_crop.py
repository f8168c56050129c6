"""The window around a hand and the picture in it."""

import cv2
import numpy as np
import pytest

from simhand.hands.crop import (
    clamped_window,
    crop_window,
    cut_out,
    into_crop,
    out_of_crop,
    padded_window,
)
from simhand.hands.hand_id import hand_id


def golden_cases():
    return range(12)


@pytest.mark.parametrize("case", golden_cases())
def test_clamp_is_the_released_rule_to_the_bit(golden, case):
    recorded = golden("hand_crop.npz")
    frame = recorded[f"frame{recorded['frame_index'][case]}"]
    is_left = bool(recorded["is_left"][case])
    height, width = frame.shape[:2]
    window = crop_window(recorded["box_xyxy"][case].tolist(), 1.3, "clamp", width, height)
    assert (window is not None) == recorded["reference_succeeds"][case]
    if window is None:
        return
    crop = cut_out(frame, window, 224, "clamp", mirrored=is_left)
    np.testing.assert_array_equal(crop, recorded["crop"][case])
    left, top, right, bottom = window
    normalised = recorded["keypoints_normalised"][case]
    in_frame = np.column_stack([normalised * [right - left, bottom - top] + [left, top], np.zeros(21)])
    mapped = into_crop(in_frame, window, is_left)
    np.testing.assert_allclose(mapped[:, :2], recorded["keypoints_normalised_after_flip"][case], atol=1e-6)


def test_golden_has_squashed_and_left_cases(golden):
    recorded = golden("hand_crop.npz")
    assert recorded["is_left"].any() and not recorded["is_left"].all()
    shapes = []
    for case in np.nonzero(recorded["reference_succeeds"])[0]:
        height, width = recorded[f"frame{recorded['frame_index'][case]}"].shape[:2]
        x1, y1, x2, y2 = clamped_window(recorded["box_xyxy"][case].tolist(), 1.3, width, height)
        shapes.append(x2 - x1 == y2 - y1)
    assert not all(shapes)


# boxes in a frame of 320 x 240, and what the released function cut out of it, recorded by running it
# (ut-vision/SiMHand, src/data_loader/utils.py, crop_and_resize, scale 1.3); None: it failed
EXTREME = [
    ((10.9, 20.9, 110.1, 60.1), (0, 0, 125, 105)),
    ((-20.9, -5.2, 40.7, 30.3), (0, 0, 49, 51)),
    ((10.5, 10.5, 31.5, 30.5), (7, 7, 33, 33)),
    ((33, 47, 40, 60), (29, 46, 43, 60)),
    ((100, 10, 104, 230), (0, 0, 245, 240)),
    ((50, 60, 51, 61), None),
    ((50.2, 60.2, 50.8, 60.8), None),
    ((50.9, 60.9, 52.9, 62.9), (50, 60, 52, 62)),
    ((-500, 100, 900, 140), (0, 0, 320, 240)),
    ((-1e6, -1e6, 1e6, 1e6), (0, 0, 320, 240)),
    ((318.5, 238.5, 340, 260), (315, 235, 320, 240)),
    ((330, 20, 390, 80), None),
    ((-60, 20, 0, 80), (0, 11, 9, 89)),
]


@pytest.mark.parametrize(("box", "recorded"), EXTREME)
def test_clamp_is_the_released_rule_for_extreme_boxes(box, recorded):
    assert crop_window(box, 1.3, "clamp", 320, 240) == recorded
    if recorded is not None:
        frame = np.random.default_rng(0).integers(0, 256, (240, 320, 3), dtype=np.uint8)
        x1, y1, x2, y2 = recorded
        expected = cv2.resize(frame[y1:y2, x1:x2], (224, 224))
        np.testing.assert_array_equal(cut_out(frame, recorded, 224, "clamp", mirrored=False), expected)


@pytest.mark.parametrize("box", [(-90.5, 20, -30.5, 80), (20, -90.5, 80, -30.5)])
def test_no_crop_where_the_released_code_cuts_out_something_else(box):
    """Its slice ends at a negative index, so it takes nearly the whole frame for the hand."""
    assert crop_window(box, 1.3, "clamp", 320, 240) is None


@pytest.mark.parametrize("box", [(10, 20, 110, 60), (-7.5, 3.25, 31, 90.75), (300, 200, 330, 239)])
def test_padded_window_is_square_and_centred(box):
    x1, y1, x2, y2 = padded_window(box, 1.3)
    assert x2 - x1 == y2 - y1 == round(1.3 * max(box[2] - box[0], box[3] - box[1]))
    assert (x1 + x2) / 2 == pytest.approx((box[0] + box[2]) / 2, abs=1)
    assert (y1 + y2) / 2 == pytest.approx((box[1] + box[3]) / 2, abs=1)


def test_pad_is_black_outside_and_undistorted():
    frame = np.full((100, 100, 3), 200, np.uint8)
    window = crop_window((-20, 30, 20, 70), 1.0, "pad", 100, 100)
    crop = cut_out(frame, window, 40, "pad", mirrored=False)
    assert window == (-20, 30, 20, 70)
    assert (crop[:, :20] == 0).all()
    assert (crop[:, 20:] == 200).all()
    mirrored = cut_out(frame, window, 40, "pad", mirrored=True)
    np.testing.assert_array_equal(mirrored, crop[:, ::-1])


def test_clamp_cuts_where_pad_pads():
    box = (-20, 30, 20, 70)
    assert crop_window(box, 1.0, "clamp", 100, 100) == (0, 30, 20, 70)
    frame = np.full((100, 100, 3), 200, np.uint8)
    assert (cut_out(frame, (0, 30, 20, 70), 40, "clamp", mirrored=False) == 200).all()


def test_shrinking_averages_under_pad_only():
    rng = np.random.default_rng(0)
    frame = rng.integers(0, 256, (320, 320, 3), dtype=np.uint8)
    window = (0, 0, 320, 320)
    assert cut_out(frame, window, 32, "pad", mirrored=False).std() < 15
    assert cut_out(frame, window, 32, "clamp", mirrored=False).std() > 25


@pytest.mark.parametrize("border", ["pad", "clamp"])
@pytest.mark.parametrize("box", [(120, 10, 160, 50), (10, -90, 50, -20), (-80, -80, -30, -30)])
def test_a_window_without_any_frame_is_none(box, border):
    assert crop_window(box, 1.3, border, 100, 100) is None


def disc(centre, radius):
    """A frame of 200 x 300 with a smooth disc, which may reach beyond it."""
    y, x = np.mgrid[:200, :300] + 0.5
    edge = np.clip(radius - np.hypot(x - centre[0], y - centre[1]) + 0.5, 0, 1)
    return np.repeat((255 * edge)[:, :, None], 3, axis=2).astype(np.uint8)


@pytest.mark.parametrize("centre", [(150, 100), (12, 100), (290, 190), (150, 3), (-4.5, 60.25), (299, 1)])
@pytest.mark.parametrize("radius", [9, 20, 70])
@pytest.mark.parametrize("mirrored", [False, True])
def test_a_circle_stays_a_circle_at_the_borders(centre, radius, mirrored):
    """Every pixel of the frame is as bright as its distance from the mapped centre says."""
    x, y = centre
    frame = disc(centre, radius)
    window = crop_window((x - radius, y - radius, x + radius, y + radius), 1.3, "pad", 300, 200)
    crop = cut_out(frame, window, 224, "pad", mirrored)[:, :, 0].astype(float)
    side_px = window[2] - window[0]
    middle = into_crop(np.array([x, y, 0.0]), window, mirrored)[:2] * 224
    down, right = np.mgrid[:224, :224] + 0.5
    distance_px = np.hypot(right - middle[0], down - middle[1]) * side_px / 224
    in_frame = cut_out(np.full((200, 300, 3), 255, np.uint8), window, 224, "pad", mirrored)[:, :, 0] == 255
    assert 0.2 < in_frame.mean() <= 1
    assert (crop[in_frame & (distance_px < radius - 1.6)] > 250).all()
    assert (crop[in_frame & (distance_px > radius + 1.6)] < 5).all()


def test_what_clamp_does_to_a_circle_at_the_border_is_seen_by_that_test():
    frame = disc((12, 100), 70)
    window = crop_window((-58, 30, 82, 170), 1.3, "clamp", 300, 200)
    crop = cut_out(frame, window, 224, "clamp", mirrored=False)[:, :, 0] > 127
    width = crop.any(axis=0).sum() / (82 - 0)
    height = crop.any(axis=1).sum() / 140
    assert width / height > 1.5


def test_into_the_crop_and_back():
    rng = np.random.default_rng(0)
    for _ in range(200):
        x1, y1 = rng.integers(-300, 1900, 2).tolist()
        window = (x1, y1, x1 + int(rng.integers(2, 900)), y1 + int(rng.integers(2, 900)))
        points = np.column_stack(
            [rng.uniform(x1, window[2], 21), rng.uniform(y1, window[3], 21), rng.normal(0, 50, 21)]
        )
        for mirrored in (False, True):
            fractions = into_crop(points, window, mirrored)
            assert (fractions[:, :2] >= 0).all() and (fractions[:, :2] <= 1).all()
            np.testing.assert_allclose(out_of_crop(fractions, window, mirrored), points, atol=2e-4)


def test_a_box_far_larger_than_the_frame_gives_no_padded_crop():
    """It would need the memory of a window of its size."""
    assert crop_window((-1e6, -1e6, 1e6, 1e6), 1.3, "pad", 320, 240) is None
    assert crop_window((-300, -300, 600, 600), 1.3, "pad", 320, 240) is not None


def test_points_follow_the_pixels():
    """A bright pixel of the frame is found in the crop where its mapped centre is."""
    frame = np.zeros((120, 160, 3), np.uint8)
    frame[50, 70] = 255
    window = (40, 20, 104, 84)
    for mirrored in (False, True):
        crop = cut_out(frame, window, 64, "pad", mirrored)
        row, column = np.unravel_index(crop[:, :, 0].argmax(), (64, 64))
        x, y, z = into_crop(np.array([70.5, 50.5, 32.0]), window, mirrored)
        assert (x * 64, y * 64, z) == pytest.approx((column + 0.5, row + 0.5, 0.5))


def test_hand_id_depends_on_its_three_parts_alone():
    assert hand_id("a", 1, 0) == 82054957085001660
    videos = ("a", "a1", "b,1")
    ids = {hand_id(video, frame, hand) for video in videos for frame in range(50) for hand in range(4)}
    assert len(ids) == 600
    assert all(0 <= number < 2**63 for number in ids)
    assert hand_id("a", 11, 1) != hand_id("a1", 1, 1)
