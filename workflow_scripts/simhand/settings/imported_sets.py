"""Settings of a pre-training set that is given as Hand100M annotation files, and of sets of either kind."""

from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag

from simhand.settings.section import Section
from simhand.settings.sets import PaperSet, SetSettings


class ImportedSetSettings(Section):
    """A pre-training set given as Hand100M annotation files: hands, keypoints and pairs are taken over."""

    kind: Literal["hand100m"] = Field(description="annotation files of the Hand100M release")
    annotations: dict[str, str] = Field(
        min_length=1,
        description="annotation file by source, such as `{ego4d: .../Hand100M_Ego4D_50k_v1-1.json}`; "
        "two files become one set",
    )
    images: str = Field(
        description="folder below which the files' `file_name` begins (the release calls it Hand2M)"
    )
    positives: Literal["similar", "adjacent"] = Field(
        "similar",
        description="what the given pairs are: similar hands (also of the Top-K files), or adjacent frames "
        "(the TempCLR files)",
    )
    fps: float = Field(
        30.0, gt=0, description="frames per second of the videos: frame_000060.jpg was shown at 60 / fps s"
    )
    shards: int = Field(
        16, ge=1, le=1000, description="parts that the crops are made in, each a job and a file"
    )
    jpeg_quality: int = Field(95, ge=1, le=100, description="quality of the stored crops")
    max_failed_fraction: float = Field(
        0.1,
        ge=0,
        le=1,
        description="the import fails when more than this share of the hands has no readable image",
    )
    compare_with: PaperSet | None = Field(
        None, description="the paper's set whose reported numbers stand beside this one's in the tables"
    )


def _kind(value: Any) -> str:
    given = value.get("kind", "sampled") if isinstance(value, dict) else getattr(value, "kind", "sampled")
    return str(given)


AnySetSettings = Annotated[
    Annotated[SetSettings, Tag("sampled")] | Annotated[ImportedSetSettings, Tag("hand100m")],
    Discriminator(
        _kind,
        custom_error_type="unknown_kind",
        custom_error_message="no such kind of set",
        custom_error_context={"expected": "'sampled' or 'hand100m'"},
    ),
]
"""A pre-training set; one that does not say its ``kind`` is sampled."""
