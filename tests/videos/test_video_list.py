"""Lists of videos: the release's, 100DOH's and plain ones."""

from fractions import Fraction

import pytest

from simhand.errors import DataError
from simhand.videos.video_list import RELEASED_HEADER, read_video_list

RELEASED = f"""{RELEASED_HEADER}
0 8082fcc6-e09a-4440-aa24-06c58490bbfe.mp4 96188270 378.22 1440 1080 11346 378 30.0 1.0 0.22
1 2c84e6a0-2a0b-4de8-ae99-aedbc871dffa.mp4 408083934 2024.07 1440 1080 60722 2024 29.97 1.0 0.15
"""
DOH = """-Zz7k80JfRq diy 37 1280x720 30000/1001 extra
_ZzNpWZmmt4 boardgame 12 640x360 25
"""


def write(folder, text):
    (folder / "list.txt").write_text(text)
    return folder / "list.txt"


def test_the_released_list(tmp_path):
    videos = read_video_list(write(tmp_path, RELEASED))
    first, second = "8082fcc6-e09a-4440-aa24-06c58490bbfe", "2c84e6a0-2a0b-4de8-ae99-aedbc871dffa"
    assert list(videos.rows) == [first, second]
    assert (videos.frame_rate(first), videos.frame_rate(second)) == (30, Fraction(2997, 100))


@pytest.mark.parametrize("header", ["", "video_id genre number resolution frame_rate\n"])
def test_the_list_of_100doh(tmp_path, header):
    videos = read_video_list(write(tmp_path, header + DOH))
    assert list(videos.rows) == ["-Zz7k80JfRq", "_ZzNpWZmmt4"]
    assert videos.frame_rate("-Zz7k80JfRq") == Fraction(30000, 1001)
    assert videos.frame_rate("_ZzNpWZmmt4") == 25


def test_a_plain_list_tells_no_frame_rate(tmp_path):
    videos = read_video_list(write(tmp_path, "\n-a b.mp4\r\n\n c\tb\n"))
    assert list(videos.rows) == ["-a", "b", "c"]
    with pytest.raises(DataError, match=r"list\.txt line 4: expected a frame rate .*found none"):
        videos.frame_rate("c")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "names no video"),
        (" \n\n", "names no video"),
        (f"{RELEASED_HEADER}\n", "names no video"),
        ("video_id genre number resolution frame_rate\n", "names no video"),
        (RELEASED + "2 short.mp4 7\n", "line 4: expected 11 fields .* found 3: 2 short.mp4 7"),
        (DOH + "\nx y\n", "line 4: expected 5 fields .* found 2: x y"),
        ("a\nb,c\n", "line 2: expected video ids .* found 'b,c'"),
        ('["a"]', "line 1: expected video ids"),
    ],
)
def test_a_broken_list_is_refused_with_its_line(tmp_path, text, message):
    with pytest.raises(DataError, match=message):
        read_video_list(write(tmp_path, text))


@pytest.mark.parametrize("rate", ["30/0", "N/A", "0", "-25", "nan"])
def test_a_wrong_frame_rate_is_named_when_it_is_asked_for(tmp_path, rate):
    videos = read_video_list(write(tmp_path, DOH.replace("25\n", rate)))
    assert videos.frame_rate("-Zz7k80JfRq") == Fraction(30000, 1001)
    with pytest.raises(DataError, match=rf"list\.txt line 2: expected a frame rate .*found {rate}"):
        videos.frame_rate("_ZzNpWZmmt4")


def test_what_is_no_text_is_refused(tmp_path):
    (tmp_path / "list.txt").write_bytes(b"\xff\xfe\x00a")
    with pytest.raises(DataError, match="cannot be read as a list"):
        read_video_list(tmp_path / "list.txt")
    with pytest.raises(DataError, match="cannot be read as a list"):
        read_video_list(tmp_path)
