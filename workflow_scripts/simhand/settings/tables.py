"""What the tables need to know of the configuration, gathered from several of its sections."""

from pydantic import Field

from simhand.settings.datasets import Layout
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
    layouts: dict[str, Layout] = Field(
        default_factory=dict, description="which data set of the paper each labelled data set is, or imitates"
    )
    encoders: dict[str, str] = Field(
        default_factory=dict, description="the encoder of each fine-tuning, by the name of its experiment"
    )
    titles: dict[str, str] = Field(
        default_factory=dict, description="what tables call the models whose predictions were made elsewhere"
    )
