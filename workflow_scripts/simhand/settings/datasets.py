"""The labelled data sets that experiments fine-tune on, told apart by their ``kind``."""

from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from simhand.settings.section import Section


class _FreihandLayout(Section):
    """What every data set in FreiHAND's file layout can be told."""

    crop_factor: float = Field(
        2.0,
        gt=0,
        description="side of the square crop as a multiple of the larger side of the joints' 2D box",
    )
    scale_source: Literal["dataset", "predicted"] = Field(
        "dataset",
        description="what makes predictions metric: the bone length in evaluation_scale.json that FreiHAND"
        " gives to every competitor, or the mean hand size of the training labels",
    )


class FreihandSettings(_FreihandLayout):
    """FreiHAND v2: training/rgb, training_K.json, training_xyz.json and so on below ``root``."""

    kind: Literal["freihand"] = Field(description="FreiHAND v2 in its own file layout")
    root: str = Field(description="folder that holds training/ and evaluation/")


class RenderedSettings(_FreihandLayout):
    """The labelled set of the rendered demo world, written in FreiHAND's layout by the run itself."""

    kind: Literal["rendered"] = Field(description="the demo world's labelled set")


DatasetSettings = Annotated[FreihandSettings | RenderedSettings, Field(discriminator="kind")]


def parse_dataset(text: str) -> DatasetSettings:
    """One data set's settings from JSON; ``kind`` decides which model checks them."""
    adapter: TypeAdapter[DatasetSettings] = TypeAdapter(DatasetSettings)
    return adapter.validate_json(text)
