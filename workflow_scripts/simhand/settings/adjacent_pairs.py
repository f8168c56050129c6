"""Settings of the pairs of adjacent frames."""

from pydantic import Field

from simhand.settings.section import Section


class AdjacentPairsSettings(Section):
    """Which hands of one video count as the same hand a moment earlier or later (TempCLR's positives)."""

    max_gap_s: float = Field(
        1.5,
        gt=0,
        description="most seconds between the two frames. Frames are a second apart, so the default means "
        "the next one; a set that is a small sample of long videos holds few such hands and needs more",
    )
