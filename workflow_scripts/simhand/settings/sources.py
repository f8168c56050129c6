"""Config section ``sources``: where videos come from. A new kind is one class here and one lister."""

from typing import Annotated, Literal

from pydantic import Field

from simhand.settings.frames_source import FramesSource
from simhand.settings.section import Section


class FolderSource(Section):
    """A folder of any videos; files that are not videos are left alone."""

    kind: Literal["folder"] = Field(description="a folder of videos")
    path: str = Field(description="the folder, absolute or relative to where Snakemake runs")
    recursive: bool = Field(True, description="look into its subfolders too")


class Ego4dSource(Section):
    """Ego4D as its command line tool lays it down; a video's id is its uid."""

    kind: Literal["ego4d"] = Field(description="Ego4D")
    path: str = Field(
        description="what `ego4d --output_directory` was given, or the folder of a version in it (`v1`)"
    )
    version: str | None = Field(
        None, description="such as v1 or v2_1 (which lies in `v2`); needed where there are several"
    )
    dataset: Literal["full_scale", "video_540ss", "clips"] = Field(
        "full_scale", description="full size (the paper's), 540 pixels on the short side, or benchmark clips"
    )
    video_uid_file: str | None = Field(
        None,
        description="take only the uids that this file names: separated by white space, or the release's "
        "`ego4d_name_list.txt`; videos that a run has listed already stay in it",
    )


class DohSource(Section):
    """100DOH, videos from YouTube; those that are not to be had any more are counted and told."""

    kind: Literal["100doh"] = Field(description="100 Days of Hands")
    path: str = Field(
        description="the folder with `videos/<YouTube id>.mp4` and, if there, `file/meta_100DOH_video.txt`"
    )


class RenderedSource(Section):
    """The rendered demo world, as the `world` section describes it."""

    kind: Literal["rendered"] = Field(description="the rendered demo world")


DiskSource = FolderSource | Ego4dSource | DohSource | FramesSource
"""The kinds of source whose videos lie on disk."""

SourceSettings = Annotated[DiskSource | RenderedSource, Field(discriminator="kind")]
