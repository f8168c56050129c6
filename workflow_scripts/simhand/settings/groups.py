"""Config section ``groups``: which videos are one recording."""

from pydantic import Field

from simhand.settings.section import Section, switch


class GroupsSettings(Section):
    """Videos of one recording are never paired; by default each video is its own."""

    groups_csv: str | None = Field(
        None,
        description="CSV with columns video_id and group_id; it wins over what is found out, and a video "
        "that it leaves out joins what it is found to belong to",
    )
    near_duplicates: bool = switch(
        "also one recording: videos that show the same, such as a re-upload, whether trimmed, mirrored or "
        "encoded anew",
        ours=True,
        release=False,
    )
    max_hamming_bits: int = Field(
        6,
        ge=0,
        le=8,
        description="two frames are the same picture if their 64-bit hashes differ in at most so many bits; "
        "more finds stronger edits and costs several times the time",
    )
    min_matching_seconds: int = Field(
        4, ge=1, description="near-duplicates share at least so many seconds at one time offset"
    )
    min_matching_share: float = Field(
        0.4, gt=0, le=1, description="and at least this share of the shorter video"
    )
