"""Near-duplicates: planted copies are found, other takes are not."""

import itertools
from dataclasses import astuple

import numpy as np
import pytest
from numbered_clips import ffmpeg

from simhand.errors import DataError
from simhand.files.tables import read_table, write_table
from simhand.settings.frames import FramesSettings
from simhand.settings.groups import GroupsSettings
from simhand.videos.decoders import open_video
from simhand.videos.hash_bits import MIRRORED_BITS, NOTHING_SEEN
from simhand.videos.hash_index import FrameHashes
from simhand.videos.hash_sequences import compare_videos
from simhand.videos.near_duplicates import find_near_duplicates, read_hashes, write_near_duplicates
from simhand.videos.perceptual_hash import perceptual_hash


def noisy(rng, hashes, bits):
    """The hashes with ``bits`` random bits changed in each."""
    changed = hashes.view(np.uint64).copy()
    for row in range(len(changed)):
        for bit in 1 + rng.choice(63, bits, replace=False):
            changed[row] ^= np.uint64(1) << np.uint64(bit)
    return changed.view(np.int64)


def moving(rng, seconds):
    """A camera that moves: every second is another picture."""
    return rng.integers(-(2**63), 2**63, seconds) | 1


def fixed(rng, seconds, bits=4):
    """A camera that stands: every second is one picture with some bits changed."""
    return noisy(rng, np.repeat(moving(np.random.default_rng(0), 1), seconds), bits)


def mirrored(hashes):
    """The hashes of the mirrored frames."""
    return np.where(hashes, hashes ^ np.uint64(MIRRORED_BITS).astype(np.int64), NOTHING_SEEN)


def frame_hashes(*videos):
    return FrameHashes(np.concatenate(videos), np.cumsum([0, *map(len, videos)]))


def found_between(*videos, threads=1, **settings):
    ids = [f"v{number}" for number in range(len(videos))]
    return [
        astuple(one)
        for one in find_near_duplicates(frame_hashes(*videos), ids, GroupsSettings(**settings), threads)
    ]


@pytest.fixture
def rng():
    return np.random.default_rng(3)


def test_a_copy_is_found_at_its_offset(rng):
    original = moving(rng, 60)
    copy = noisy(rng, original[7:], 3)
    assert found_between(original, moving(rng, 50), copy) == [("v0", "v2", 53, 1.0, -7, False)]
    assert found_between(copy, moving(rng, 50), original) == [("v0", "v2", 53, 1.0, 7, False)]


def test_a_copy_between_two_seconds_is_found(rng):
    """Its seconds lie between those of the original, and look now like the one, now like the next."""
    original = moving(rng, 60)
    between = np.where(rng.random(59) < 0.5, original[:-1], original[1:])
    ((_, _, seconds, share, offset, _),) = found_between(original, noisy(rng, between, 4))
    assert (seconds, share) == (59, 1.0)
    assert offset in (0, -1)


def test_a_mirrored_copy_is_found(rng):
    original = moving(rng, 30)
    original[3] = NOTHING_SEEN
    assert found_between(original, mirrored(original)[1:]) == [("v0", "v1", 28, 1.0, -1, True)]


def test_a_copy_of_what_a_fixed_camera_saw_is_found(rng):
    original = fixed(rng, 40)
    ((_, _, seconds, _, offset, is_mirrored),) = found_between(original, noisy(rng, original[5:], 1))
    assert seconds >= 30
    assert (offset, is_mirrored) == (-5, False)


@pytest.mark.parametrize("seed", range(20))
def test_two_takes_before_one_fixed_camera_are_not_joined(seed):
    rng = np.random.default_rng(seed)
    takes = [fixed(rng, seconds) for seconds in (6, 12, 40, 200)]
    assert found_between(*takes) == []


def test_pictures_that_never_change_tell_nothing(rng):
    picture = moving(rng, 1)
    assert found_between(np.repeat(picture, 30), np.repeat(picture, 20)) == []


@pytest.mark.parametrize(("shared", "found"), [(39, 0), (40, 1)])
def test_a_shared_intro_alone_is_not_enough(rng, shared, found):
    intro = moving(rng, shared)
    videos = [np.concatenate([intro, moving(rng, seconds - shared)]) for seconds in (100, 160)]
    assert len(found_between(*videos, min_matching_share=0.4)) == found


@pytest.mark.parametrize(("seconds", "found"), [(3, 0), (4, 1)])
def test_a_few_seconds_are_not_enough(rng, seconds, found):
    video = moving(rng, 30)
    assert len(found_between(video, video[10 : 10 + seconds], min_matching_seconds=4)) == found


def test_a_title_card_in_very_many_videos_joins_none(rng):
    """Half of every video is one title sequence; two of the videos are copies of one another."""
    title = moving(rng, 5)
    videos = [np.concatenate([title, moving(rng, 5)]) for _ in range(250)]
    videos[11] = noisy(rng, videos[4], 2)
    assert found_between(*videos[:200:40]) != []
    assert found_between(*videos, threads=2) == [("v4", "v11", 5, 1.0, 0, False)]


def test_frames_that_show_nothing_match_nothing(rng):
    black = np.full(30, NOTHING_SEEN)
    assert found_between(black, black) == []
    first, second = (np.concatenate([black, moving(rng, 10), black]) for _ in range(2))
    assert found_between(first, second) == []
    assert [row[2:4] for row in found_between(first, noisy(rng, first[30:40], 2))] == [(10, 1.0)]


def test_planted_copies_are_found_among_many_videos(rng):
    videos = [moving(rng, int(seconds)) for seconds in rng.integers(5, 60, 500)]
    planted = set()
    for number in range(40):
        original = videos[number]
        start = int(rng.integers(0, max(1, len(original) - 10)))
        videos[450 + number] = noisy(rng, original[start:], int(rng.integers(0, 6)))
        planted.add((f"v{number}", f"v{450 + number}", -start))
    rows = found_between(*videos, threads=2)
    assert {(a, b, offset) for a, b, _, _, offset, _ in rows} == planted
    assert rows == found_between(*videos, threads=1)


def naive_comparison(first, second, flip, radius):
    """Matching seconds by the words of the docstring, in plain loops over Python integers."""
    swapped = len(first) > len(second)
    shorter, longer = (second, first) if swapped else (first, second)
    shorter = [value % 2**64 for value in shorter.tolist()]
    longer = [value % 2**64 ^ (MIRRORED_BITS * flip if value else 0) for value in longer.tolist()]

    def bits(t, s):
        return (shorter[t] ^ longer[s]).bit_count() if shorter[t] and longer[s] else None

    def fit(offset):
        pairs = [(t, t + offset) for t in range(len(shorter)) if 0 <= t + offset < len(longer)]
        near = [bits(*pair) for pair in pairs if bits(*pair) is not None and bits(*pair) <= radius]
        return sum(radius + 1 - value for value in near)

    offset = max(range(-len(shorter), len(longer)), key=lambda offset: fit(offset) + fit(offset + 1))
    matching = 0
    for t in range(len(shorter)):
        told = {s: bits(t, s) for s in range(len(longer)) if bits(t, s) is not None}
        here = [told.pop(s) for s in (t + offset, t + offset + 1) if s in told]
        if here and min(here) <= radius and told and min(here) < np.mean(list(told.values())) / 2:
            matching += 1
    nearest = offset + (fit(offset + 1) > fit(offset))
    return matching, matching / max(1, sum(map(bool, shorter))), -nearest if swapped else nearest


def test_comparing_two_videos_does_what_it_says(rng):
    videos = []
    for number in range(24):
        hashes = (fixed if number % 3 else moving)(rng, int(rng.integers(1, 25)))
        if number % 4 == 3:
            hashes = noisy(rng, videos[number - 1][int(rng.integers(0, 3)) :], int(rng.integers(0, 8)))
        if number % 8 == 7:
            hashes = mirrored(hashes)
        hashes[rng.random(len(hashes)) < 0.2] = NOTHING_SEEN
        videos.append(hashes)
    pairs = np.array([(*pair, m) for pair in itertools.combinations(range(24), 2) for m in (0, 1)])
    compared = zip(*compare_videos(frame_hashes(*videos), pairs, 12, threads=2), strict=True)
    expected = [naive_comparison(videos[a], videos[b], m, 12) for a, b, m in pairs.tolist()]
    assert list(compared) == expected
    assert sum(seconds > 0 for seconds, _, _ in expected) >= 15
    assert sum(seconds > 3 for (_, _, m), (seconds, _, _) in zip(pairs.tolist(), expected, strict=True) if m)


def test_hashes_are_read_by_video_in_the_order_asked_for(tmp_path):
    rows = [("b", 1), ("b", 2), ("a", 3), ("b", 4)], [("d", 5)], []
    for number, shard in enumerate(rows):
        table = [
            {"video_id": video_id, "frame_index": 0, "timestamp_s": 0.0, "hash": value}
            for video_id, value in shard
        ]
        write_table(tmp_path / f"{number}.parquet", "hashes", table)
    files = sorted(tmp_path.iterdir())
    read = read_hashes(files, ["a", "b", "c", "d"])
    assert read.hashes.tolist() == [3, 1, 2, 4, 5]
    assert read.starts.tolist() == [0, 1, 4, 4, 5]
    assert len(read_hashes([], ["a"]).hashes) == 0
    with pytest.raises(DataError, match="0.parquet has video 'b', which is not in videos.tsv"):
        read_hashes(files, ["a", "d"])


def test_what_was_found_is_written_for_the_user(tmp_path, rng):
    original = moving(rng, 20)
    hashes = frame_hashes(original, original[2:])
    found = find_near_duplicates(hashes, ["a", "b"], GroupsSettings(), threads=1)
    write_near_duplicates(tmp_path / "found.parquet", found)
    assert read_table(tmp_path / "found.parquet", "near_duplicates").to_pylist() == [
        {
            "video_a": "a",
            "video_b": "b",
            "matching_seconds": 18,
            "share": 1.0,
            "offset_s": -2,
            "mirrored": False,
        }
    ]


def hashes_of(path):
    settings = FramesSettings()
    with open_video(path, settings, threads=1) as video:
        return np.array([perceptual_hash(frame.image) for frame in video.sampled(settings.sampling)])


@pytest.mark.realdata
def test_real_videos_are_joined_with_their_copies_only(realdata, tmp_path):
    """Among them three people signing in one office, and two men in one room holding gestures.

    The two cameras over one desk see other pictures, which hashes cannot join.
    """
    files = sorted((realdata / "videos").glob("*.mp4"))
    files += sorted((realdata / "gesture_pairs").glob("*er_P[12].mp4"))
    assert len(files) == 18
    edits = {
        "exo_intel_bottles": ["-ss", "3.7", "-vf", "pad=iw:ih*4/3:0:(oh-ih)/2", "-crf", "30"],
        "exo_sam2_football_juggle": ["-vf", "hflip,scale=-2:180", "-crf", "32"],
        "exo_dexretarget_free_hand": ["-vf", "eq=brightness=0.08,fps=24"],
        "closer_P1": [
            "-ss",
            "0.4",
            "-vf",
            "drawbox=x=iw*0.8:y=ih*0.05:w=iw*0.1:h=ih*0.1:t=fill",
        ],
    }
    for name, options in edits.items():
        original = next(file for file in files if file.stem == name)
        seek = options[:2] if options[0] == "-ss" else []
        files.append(tmp_path / f"{name}.mp4")
        ffmpeg(*seek, "-i", original, *options[len(seek) :], "-an", files[-1])
    videos = [hashes_of(file) for file in files]
    ids = [str(number) for number in range(len(files))]
    found = find_near_duplicates(frame_hashes(*videos), ids, GroupsSettings(), threads=2)
    joined = {(files[int(one.video_a)].stem, files[int(one.video_b)].stem) for one in found}
    assert joined == {(name, name) for name in edits}
    assert [one.mirrored for one in found].count(True) == 1
