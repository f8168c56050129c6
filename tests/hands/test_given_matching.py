"""Which sampled frame a box belongs to, and what the path of an image tells."""

import numpy as np
import pytest

from simhand.errors import DataError
from simhand.hands.given.image_names import place_of_image
from simhand.hands.given.match import NO_FRAME, NO_INDEX, SampledFrames, frames_of_boxes

NAN = float("nan")
FRAMES = SampledFrames(
    np.array([0, 30, 61]), np.array([0.0, 1.001, 2.035]), np.array([[640, 480]] * 3, np.int64)
)


def matched(boxes, tolerance_s=0.05, frames=FRAMES):
    index, time_s = zip(*boxes, strict=True)
    return frames_of_boxes(frames, np.array(index), np.array(time_s, float), tolerance_s).tolist()


def test_the_index_decides_and_then_the_time():
    assert matched([(30, NAN), (31, NAN), (0, 9.0), (61, NAN)]) == [1, NO_FRAME, 0, 2]
    assert matched([(NO_INDEX, 1.0), (NO_INDEX, 1.06), (31, 2.04), (NO_INDEX, NAN)]) == [
        1,
        NO_FRAME,
        2,
        NO_FRAME,
    ]


def test_of_the_times_near_a_frame_only_the_nearest_counts():
    """Boxes at 30 fps: those of the frames before and after show the same hands again."""
    times = [0.967, 1.0, 1.0, 1.034, 1.95, 1.98, 2.01]
    assert matched([(NO_INDEX, time) for time in times]) == [-1, 1, 1, -1, -1, -1, 2]


def test_a_frame_found_by_its_index_takes_none_by_time():
    assert matched([(NO_INDEX, 1.001), (30, NAN)]) == [NO_FRAME, 1]


def test_one_frame_only():
    one = SampledFrames(np.array([7]), np.array([0.3]), np.array([[64, 48]]))
    assert matched([(7, NAN), (6, NAN), (NO_INDEX, 9.0)], frames=one) == [0, NO_FRAME, NO_FRAME]
    assert matched([(NO_INDEX, 0.34), (NO_INDEX, 0.27)], frames=one) == [NO_FRAME, 0]


def test_against_a_naive_loop():
    rng = np.random.default_rng(0)
    for _ in range(50):
        time_s = np.cumsum(rng.uniform(0.5, 1.5, 12))
        frames = SampledFrames(np.arange(12) * 30, time_s, np.zeros((12, 2), np.int64))
        given = rng.choice(np.round(time_s[rng.integers(12, size=40)] + rng.normal(0, 0.05, 40), 3), 60)
        found = matched([(NO_INDEX, time) for time in given], 0.06, frames)
        for time, frame in zip(given, found, strict=True):
            nearest = int(np.abs(time_s - time).argmin())
            gap = abs(time_s[nearest] - time)
            rivals = [abs(time_s[nearest] - other) for other in given if other != time]
            is_best = gap <= 0.06 and all(rival >= gap for rival in rivals)
            assert frame == (nearest if is_best else NO_FRAME)


@pytest.mark.parametrize(
    ("image", "video_ids", "index", "time_s"),
    [
        ("a/b/frame_000030.jpg", ("a/b", "b"), 30, None),
        ("/data/x y/frame_7.PNG", ("data/x y", "x y"), 7, None),
        ("raw/diy/diy_v_01234567-_9_frame000071.jpg", ("diy_v_01234567-_9", "01234567-_9"), None, 141.0),
        ("boardgame_v_-22f4DmhjLs_frame000022.jpg", ("boardgame_v_-22f4DmhjLs", "-22f4DmhjLs"), None, 43.0),
    ],
)
def test_paths_of_images(image, video_ids, index, time_s):
    place = place_of_image(image, "here")
    assert (place.video_ids, place.frame_index, place.timestamp_s) == (video_ids, index, time_s)


@pytest.mark.parametrize(
    "image", ["frame_000030.jpg", "v/000030.jpg", "v/frame30.jpg", "diy_v_short_frame000001.jpg", ""]
)
def test_other_names_are_refused(image):
    with pytest.raises(DataError, match="here does not tell which frame it is"):
        place_of_image(image, "here")


def test_the_longest_name_that_the_run_has_is_meant():
    place = place_of_image("/data/a/b/frame_000030.jpg", "here")
    assert place.video_in({"b", "a/b", "c"}) == "a/b"
    assert place.video_in({"b"}) == "b"
    assert place.video_in({"x"}) == "b"
