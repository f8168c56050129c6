"""Settings of predictions that were made elsewhere and are measured here as a model of their own."""

from typing import Literal

from pydantic import Field, field_validator

from simhand.settings.section import Section

Source = Literal["predicted", "dataset", "ground_truth"]

SUFFIXES = (".json", ".zip", ".txt", ".parquet", ".csv")


class ImportedPredictionsSettings(Section):
    """Predictions made elsewhere, for the evaluation samples of a data set."""

    file: str = Field(
        description="FreiHAND's pred.json or a zip of it, DexYCB's result file (.txt), or a table (.parquet,"
        " .csv) with `id` and x0, y0, z0 ... z20 or `prediction`; docs/files.md describes each"
    )
    dataset: str = Field(description="the labelled data set that was predicted, one of `datasets`")
    title: str | None = Field(None, description="what tables call the model; by default its name")
    label_fraction: float = Field(
        1.0, gt=0, le=1, description="share of the training labels that the model has learnt from"
    )
    root_source: Source = Field(
        "predicted",
        description="where the position of the hands comes from; if `ground_truth`, protocols that measure it"
        " stay blank",
    )
    scale_source: Source = Field("predicted", description="where the size of the hands comes from, likewise")

    @field_validator("file")
    @classmethod
    def _has_a_known_form(cls, file: str) -> str:
        if not file.lower().endswith(SUFFIXES):
            raise ValueError(f"cannot tell the form of {file}; it must end in {', '.join(SUFFIXES)}")
        return file


class ImportedModel(ImportedPredictionsSettings):
    """The same with the name that the configuration gives it."""

    name: str
