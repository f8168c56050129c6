"""Config section ``sources``: where videos come from. A new kind is one class here and one lister."""

from typing import Annotated, Literal

from pydantic import Field

from simhand.settings.section import Section


class FolderSource(Section):
    """A folder of any videos; files that are not videos are left alone."""

    kind: Literal["folder"] = Field(description="a folder of videos")
    path: str = Field(description="the folder, absolute or relative to where Snakemake runs")
    recursive: bool = Field(True, description="look into its subfolders too")


class RenderedSource(Section):
    """The rendered demo world, as the `world` section describes it."""

    kind: Literal["rendered"] = Field(description="the rendered demo world")


SourceSettings = Annotated[FolderSource | RenderedSource, Field(discriminator="kind")]
