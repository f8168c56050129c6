"""MediaPipe, which never saw this world, must take its hands for hands.

The sample is fixed: every fourth frame of every video of the default world, encoded and decoded.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import av
import mediapipe
import numpy as np
import pytest

from simhand.settings.world import WorldSettings
from simhand.world.catalogue import video_ids
from simhand.world.encode import write_h264
from simhand.world.poses import POSE_CLASSES
from simhand.world.videos import Scene

pytestmark = pytest.mark.xdist_group("rendered_hands")

EVERY = 4


@dataclass
class Outcome:
    side: str
    pose_class: str
    person: str
    width_px: float
    found: bool
    error: float
    side_agrees: bool


def boxes_iou(one: np.ndarray, other: np.ndarray) -> float:
    low, high = np.maximum(one.min(0), other.min(0)), np.minimum(one.max(0), other.max(0))
    shared = np.prod(np.clip(high - low, 0, None))
    return float(shared / (np.prod(np.ptp(one, 0)) + np.prod(np.ptp(other, 0)) - shared))


def sampled_frames(settings: WorldSettings, folder) -> Iterator[tuple[np.ndarray, list[dict]]]:
    for name in video_ids(settings):
        scene = Scene(settings, name)
        numbers = list(range(0, scene.frame_count, EVERY))
        path = folder / f"{name}.mp4"
        write_h264(
            path, scene.frames(numbers), settings.width_px, settings.height_px, settings.fps, settings.crf
        )
        with av.open(str(path)) as container:
            for number, frame in zip(numbers, container.decode(video=0), strict=True):
                hands = [row for row in scene.truth() if row["frame_index"] == number and row["in_view"]]
                yield frame.to_ndarray(format="rgb24"), hands


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory) -> list[Outcome]:
    settings, results = WorldSettings(), []
    with mediapipe.solutions.hands.Hands(
        static_image_mode=True, max_num_hands=4, model_complexity=1, min_detection_confidence=0.5
    ) as detector:
        for picture, hands in sampled_frames(settings, tmp_path_factory.mktemp("sample")):
            answer = detector.process(picture)
            size = picture.shape[1::-1]
            found = [
                (np.array([(p.x, p.y) for p in hand.landmark]) * size, side.classification[0].label)
                for hand, side in zip(
                    answer.multi_hand_landmarks or [], answer.multi_handedness or [], strict=True
                )
            ]
            results += [judge(row, found) for row in hands]
    return [outcome for outcome in results if outcome.width_px >= 80]


def judge(row: dict, found: list[tuple[np.ndarray, str]]) -> Outcome:
    truth = np.array(row["joints_2d_px"]).reshape(21, 2)
    box = np.ptp(truth, 0)
    points, label = max(found, key=lambda hand: boxes_iou(truth, hand[0]), default=(np.zeros((21, 2)), ""))
    error = np.linalg.norm(points - truth, axis=-1).mean() / box.max()
    # MediaPipe names sides as in a mirror
    agrees = {"Left": "right", "Right": "left"}.get(label) == row["side"]
    return Outcome(
        row["side"], row["pose_class"], row["person"], box[0], boxes_iou(truth, points) >= 0.5, error, agrees
    )


def test_sample_is_broad(outcomes):
    assert len(outcomes) >= 70
    assert {outcome.pose_class for outcome in outcomes} == set(POSE_CLASSES)
    assert {outcome.side for outcome in outcomes} == {"left", "right"}
    assert len({outcome.person for outcome in outcomes}) >= 4


def test_at_least_85_percent_are_found(outcomes):
    assert np.mean([outcome.found for outcome in outcomes]) >= 0.85


def test_keypoints_agree_within_a_tenth_of_the_box(outcomes):
    assert np.mean([outcome.error for outcome in outcomes if outcome.found]) <= 0.10


def test_sides_are_anatomical(outcomes):
    for side in ("left", "right"):
        agrees = [outcome.side_agrees for outcome in outcomes if outcome.found and outcome.side == side]
        assert np.mean(agrees) >= 0.9, side
