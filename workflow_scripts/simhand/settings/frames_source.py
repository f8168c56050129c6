"""Settings of a source of kind `frames`: alone here because the frames stage depends on them."""

from typing import Literal

from pydantic import Field

from simhand.settings.section import Section


class FramesSource(Section):
    """A folder of frames already taken from videos, as the released scripts write them."""

    kind: Literal["frames"] = Field(description="frames already extracted")
    path: str = Field(
        description="the folder with one subfolder per video that holds `frame_000000.jpg`, "
        "`frame_000030.jpg` ... (or .png), numbered by the frames of the original video"
    )
    fps: float = Field(
        30.0,
        gt=0,
        description="frames per second of the original videos: frame n was shown at n / fps seconds",
    )
    video_list: str | None = Field(
        None,
        description="a list that tells the frame rate of each video: the release's `ego4d_name_list.txt` or "
        "100DOH's `meta_100DOH_video.txt`; `fps` is for the videos it leaves out",
    )
