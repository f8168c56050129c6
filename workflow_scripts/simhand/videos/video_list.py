"""Reads lists of videos: their ids and, where the list tells them, their frame rates."""

import re
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from simhand.errors import DataError

RELEASED_HEADER = (
    "Number Name Size Length Width Height OriginalFrameCount SettingFrameCount OriginalFrameRate "
    "SettingFrameRate Time"
)
RELEASED_FIELDS, RELEASED_ID, RELEASED_RATE = 11, 1, 8
DOH_FIELDS, DOH_ID, DOH_RESOLUTION, DOH_RATE = 5, 0, 3, 4
DOH_HEADER = "video_id"
RESOLUTION = re.compile(r"\d+x\d+")
PLAIN_ID = re.compile(r"[\w.-]+")


@dataclass(frozen=True)
class ListedRow:
    """What a list says of one video: the line it stands in and, as written there, its frame rate."""

    line: int
    frame_rate: str | None


@dataclass(frozen=True)
class VideoList:
    """The videos that a list file names, by id, in its order."""

    path: Path
    rows: dict[str, ListedRow]

    def frame_rate(self, video_id: str) -> Fraction:
        """Frames per second of a video that the list names, exact.

        Raises:
            DataError: the list tells none, or what it tells is not a frame rate.
        """
        row = self.rows[video_id]
        try:
            rate = Fraction(row.frame_rate or "")
            if rate > 0:
                return rate
        except (ValueError, ZeroDivisionError):
            pass
        raise DataError(
            f"{self.path} line {row.line}: expected a frame rate such as 30.0 or 30000/1001, "
            f"found {row.frame_rate or 'none'}; correct it, or name a list that has frame rates"
        )


def read_video_list(path: Path | str) -> VideoList:
    """The videos that ``path`` names; what kind of list it is shows in its first line.

    Three kinds are known: the release's ``ego4d_name_list.txt``, the ``meta_100DOH_video.txt`` of 100DOH
    (white space between fields: 0 the id, 3 the resolution, 4 the frame rate; with or without header), and
    ids with white space between them, as the Ego4D tool takes with ``--video_uid_file``.

    Raises:
        DataError: it is missing, is no such list, names no video, or a line of it is broken.
    """
    path = Path(path).expanduser()
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise DataError(f"expected a list of videos at {path.absolute()}; correct its path") from error
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path} cannot be read as a list of videos: {error}") from error
    lines = [(number, line.split()) for number, line in enumerate(text.splitlines(), 1) if line.strip()]
    first = lines[0][1] if lines else [""]
    if " ".join(first) == RELEASED_HEADER:
        fields = RELEASED_FIELDS, RELEASED_ID, RELEASED_RATE
        rows = [_row(path, line, words, *fields) for line, words in lines[1:]]
    elif first[0] == DOH_HEADER or (len(first) >= DOH_FIELDS and RESOLUTION.fullmatch(first[DOH_RESOLUTION])):
        fields = DOH_FIELDS, DOH_ID, DOH_RATE
        rows = [_row(path, line, words, *fields) for line, words in lines if words[0] != DOH_HEADER]
    else:
        rows = [_plain(path, line, word) for line, words in lines for word in words]
    if not rows:
        raise DataError(f"{path} names no video; expected one or more ids in it")
    return VideoList(path, dict(rows))


def _row(
    path: Path, line: int, words: list[str], fields: int, id_field: int, rate_field: int
) -> tuple[str, ListedRow]:
    if len(words) < fields:
        raise DataError(
            f"{path} line {line}: expected {fields} fields with white space between them, "
            f"found {len(words)}: {' '.join(words)}; correct the line or take it out"
        )
    return words[id_field].removesuffix(".mp4"), ListedRow(line, words[rate_field])


def _plain(path: Path, line: int, word: str) -> tuple[str, ListedRow]:
    if not PLAIN_ID.fullmatch(word):
        raise DataError(
            f"{path} line {line}: expected video ids with white space between them, found {word!r}; "
            "write one id per line"
        )
    return word.removesuffix(".mp4"), ListedRow(line, None)
