"""Lists 100DOH (Shan et al., CVPR 2020): ``videos/<YouTube id>.mp4`` and ``file/meta_100DOH_video.txt``."""

from pathlib import Path

from simhand.errors import DataError
from simhand.settings.sources import DohSource
from simhand.videos.sources.listed import ListedVideo, by_id
from simhand.videos.sources.mp4_folder import mp4_files, tell_differences, what_is_in
from simhand.videos.video_list import read_video_list

LIST = Path("file", "meta_100DOH_video.txt")


def list_doh(name: str, source: DohSource) -> list[ListedVideo]:
    """The videos of source ``name`` that are on disk, sorted by id.

    What the list names and is not there any more, as happens on YouTube, is counted and told.

    Raises:
        DataError: there is no such folder, no video in it, or the list is broken.
    """
    root = Path(source.path).expanduser()
    if not (root / "videos").is_dir() and root.absolute().name == "videos":
        root = root.absolute().parent
    if not (root / "videos").is_dir():
        raise DataError(
            f"sources.{name}.path: expected the folder videos in {root.absolute()}, "
            f"found {what_is_in(root)}; give the root of 100DOH, which holds videos/ and file/"
        )
    found = mp4_files(name, root / "videos")
    if (root / LIST).is_file():
        tell_differences(name, found, read_video_list(root / LIST).rows, root / LIST)
    return by_id(name, found)
