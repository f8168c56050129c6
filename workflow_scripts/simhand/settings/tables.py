"""What the tables need to know, gathered from ``compare_with`` of every set in config section ``sets``."""

from pydantic import Field

from simhand.settings.section import Section
from simhand.settings.sets import PaperSet


class TablesSettings(Section):
    """How measured rows are set beside the paper's."""

    compare_with: dict[str, PaperSet] = Field(
        default_factory=dict,
        description=(
            "the paper's pre-training set that each of our sets stands beside, for example `ego: ego-50k`; "
            "a set that is not named here stands beside the paper's set of its own name, or beside nothing"
        ),
    )
