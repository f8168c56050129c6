"""Config section ``groups``: which videos are one recording."""

from pydantic import Field

from simhand.settings.section import Section


class GroupsSettings(Section):
    """Videos of one recording are never paired; by default each video is its own."""

    groups_csv: str | None = Field(
        None,
        description="CSV with columns video_id and group_id; a video that it leaves out is its own recording",
    )
