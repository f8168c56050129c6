"""The window around a hand and the picture in it."""

import numpy as np
import pytest

from simhand.hands.crop import clamped_window, crop_window, cut_out, into_crop, padded_window
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
