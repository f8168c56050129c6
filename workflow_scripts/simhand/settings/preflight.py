"""Config section ``preflight``."""

from pydantic import Field

from simhand.settings.section import Section


class PreflightSettings(Section):
    """What `snakemake preflight` looks ahead to."""

    targets: list[str] = Field(["all"], min_length=1, description="the targets that you mean to ask for")
