"""Hashes of frames: what changes them, what does not, and what a bit means."""

import cv2
import numpy as np
import pytest

from simhand.videos.hash_bits import MIRRORED_BITS, NOTHING_SEEN
from simhand.videos.perceptual_hash import perceptual_hash


def scene(seed):
    """A 360 x 640 picture with structure of every size."""
    rng = np.random.default_rng(seed)
    layers = [
        cv2.resize(rng.integers(0, 200 // size, (9 * size, 16 * size, 3)).astype(np.uint8), (640, 360))
        for size in (1, 3, 9)
    ]
    return 30 + layers[0] + layers[1] // 2 + layers[2] // 2


def differing_bits(a, b):
    return ((a ^ b) % (1 << 64)).bit_count()


def encoded_again(bgr):
    _, jpeg = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, 25])
    return cv2.imdecode(jpeg, cv2.IMREAD_COLOR)


def between_bars(bgr, rows, columns):
    return cv2.copyMakeBorder(bgr, rows, rows, columns, columns, cv2.BORDER_CONSTANT, value=(16, 16, 16))


EDITS = {
    "encoded again": encoded_again,
    "a quarter of the size": lambda bgr: cv2.resize(bgr, (160, 90), interpolation=cv2.INTER_AREA),
    "another aspect ratio": lambda bgr: cv2.resize(bgr, (480, 640), interpolation=cv2.INTER_LINEAR),
    "brighter": lambda bgr: cv2.convertScaleAbs(bgr, alpha=1.1, beta=12),
    "darker": lambda bgr: cv2.convertScaleAbs(bgr, alpha=0.8),
    "bars above and below": lambda bgr: encoded_again(between_bars(bgr, 60, 0)),
    "bars left and right": lambda bgr: encoded_again(between_bars(bgr, 0, 140)),
    "a third of the width": lambda bgr: between_bars(bgr[:, 100:300], 0, 200),
}


@pytest.mark.parametrize("edit", EDITS)
@pytest.mark.parametrize("seed", range(3))
def test_an_edited_frame_has_nearly_the_same_hash(edit, seed):
    picture = scene(seed)
    reference = picture[:, 100:300] if edit == "a third of the width" else picture
    assert differing_bits(perceptual_hash(EDITS[edit](picture)), perceptual_hash(reference)) <= 6


@pytest.mark.parametrize("seed", range(3))
def test_the_hash_of_the_mirrored_frame_follows_from_the_hash(seed):
    picture = scene(seed)
    mirrored = perceptual_hash(np.ascontiguousarray(picture[:, ::-1]))
    assert differing_bits(perceptual_hash(picture), mirrored) >= 20
    assert differing_bits(perceptual_hash(picture) ^ MIRRORED_BITS, mirrored) <= 2


def test_other_scenes_differ_in_half_of_the_bits():
    hashes = [perceptual_hash(scene(seed)) for seed in range(20)]
    bits = [differing_bits(a, b) for i, a in enumerate(hashes) for b in hashes[:i]]
    assert min(bits) >= 15
    assert 28 <= np.mean(bits) <= 35


@pytest.mark.parametrize(
    "picture",
    [
        np.zeros((72, 128, 3), np.uint8),
        np.full((72, 128, 3), 255, np.uint8),
        np.full((720, 1280, 3), (200, 30, 30), np.uint8),
        np.random.default_rng(0).integers(100, 104, (72, 128, 3)).astype(np.uint8),
        scene(0) // 40,
    ],
    ids=["black", "white", "blue", "noise", "faded out"],
)
def test_a_frame_that_shows_nothing_is_told(picture):
    assert perceptual_hash(picture) == NOTHING_SEEN


def test_a_frame_that_shows_something_is_never_taken_for_nothing():
    assert all(perceptual_hash(scene(seed)) % 2 == 1 for seed in range(20))


def test_bits_are_signs_of_cosines():
    """Against the sum that defines the transform, on a picture that the shrinking leaves as it is."""
    coarse = np.random.default_rng(5).integers(40, 220, (32, 32)).astype(np.uint8)
    value = perceptual_hash(cv2.cvtColor(np.kron(coarse, np.ones((8, 8), np.uint8)), cv2.COLOR_GRAY2BGR))
    place = (2 * np.arange(32) + 1) * np.pi / 64
    for v in range(8):
        for u in range(8):
            wave = np.outer(np.cos(v * place), np.cos(u * place))
            assert bool(value >> (8 * v + u) & 1) == ((coarse * wave).sum() > 0), (u, v)
