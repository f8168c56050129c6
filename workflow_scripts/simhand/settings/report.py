"""Config section ``report``."""

from pydantic import Field

from simhand.settings.section import Section


class ReportSettings(Section):
    """What the figures and the report show."""

    title: str = Field("SiMHand", description="heading of the report")
    notice: str | None = Field(
        None,
        description="a statement of your own at the top of the report; that videos or labels are rendered "
        "is said without it",
    )
    example_frames: int = Field(6, ge=1, le=24, description="frames shown with boxes and keypoints")
    example_crops: int = Field(32, ge=1, le=200, description="hand crops shown with keypoints")
    example_pairs: int = Field(100, ge=1, le=200, description="mined pairs shown per set, ten in a row")
    browsable_pairs: int = Field(
        1000,
        ge=1,
        le=20_000,
        description="most pairs, all ranks together, in the page of a set that its pairs are browsed on; "
        "each hand in it adds some 3 KB",
    )
    example_queries: int = Field(6, ge=1, le=20, description="queries shown with a hand per mined rank")
    example_predictions: int = Field(
        2, ge=1, le=8, description="predictions shown per fine-tuning of each kind: best, median and worst"
    )
    example_failures: int = Field(
        24, ge=1, le=200, description="hands shown that the best model predicts worst, six in a row"
    )
    jpeg_quality: int = Field(85, ge=30, le=95, description="JPEG quality of photographs in the report")
