"""The labelled data sets that experiments fine-tune on, told apart by their ``kind``."""

from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from simhand.settings.section import Section

Layout = Literal["freihand", "dexycb", "assemblyhands"]


class _WithJointCrop(Section):
    """A data set whose crops follow from the joints."""

    crop_factor: float = Field(
        2.0,
        gt=0,
        description="side of the square crop as a multiple of the larger side of the joints' 2D box",
    )


class _WithoutScale(Section):
    """A data set that gives competitors no size of the hand."""

    scale_source: Literal["predicted"] = Field(
        "predicted",
        description="what makes predictions metric: the mean hand size of the training labels, since the data"
        " set gives competitors none",
    )


class _FreihandLayout(_WithJointCrop):
    """What every data set in FreiHAND's file layout can be told."""

    scale_source: Literal["dataset", "predicted"] = Field(
        "dataset",
        description="what makes predictions metric: the bone length in evaluation_scale.json that FreiHAND"
        " gives to every competitor, or the mean hand size of the training labels",
    )


class FreihandSettings(_FreihandLayout):
    """FreiHAND v2: training/rgb, training_K.json, training_xyz.json and so on below ``root``."""

    kind: Literal["freihand"] = Field(description="FreiHAND v2 in its own file layout")
    root: str = Field(description="folder that holds training/ and evaluation/")


class DexycbSettings(_WithJointCrop, _WithoutScale):
    """DexYCB: the subjects' folders and calibration/ below ``root``; left hands are learnt mirrored."""

    kind: Literal["dexycb"] = Field(description="DexYCB in its own file layout")
    root: str = Field(description="folder that holds 20200709-subject-01/ ... and calibration/")
    setup: Literal["s0", "s1", "s2", "s3"] = Field(
        "s1",
        description="official setup: s0 all seen, s1 unseen subjects (the paper's), s2 unseen views, s3"
        " unseen grasps; its `train` is learnt from",
    )
    evaluation_split: Literal["test", "val"] = Field("test", description="official split that is predicted")
    frames: Literal["labelled", "mostly_visible"] = Field(
        "labelled",
        description="every frame with a hand, as the official metric, or those with 10 joints, wrist and base"
        " of the middle finger among them, in the image, as the release chooses them",
    )


class AssemblyhandsSettings(_WithoutScale):
    """AssemblyHands v1-1, egocentric: learnt from train, predicted on val (test has no public labels)."""

    kind: Literal["assemblyhands"] = Field(description="AssemblyHands v1-1 in its own file layout")
    root: str = Field(description="folder that holds annotations/ and images/")
    crop_factor: float = Field(
        1.75,
        gt=0,
        description="side of the square crop as a multiple of the larger side of the annotated box",
    )
    valid_joints: Literal["annotated", "in_crop"] = Field(
        "annotated",
        description="which joints count, and 10 of which a hand must have: those annotated as valid, as the"
        " official tool counts, or only those of them in the crop, as it means to",
    )


class RenderedSettings(_FreihandLayout):
    """The labelled set of the rendered demo world, written by the run itself."""

    kind: Literal["rendered"] = Field(description="the demo world's labelled set")
    layout: Layout = Field(
        "freihand",
        description="the data set in whose files and conventions it is written and read; only FreiHAND's"
        " gives a scale",
    )


DatasetSettings = Annotated[
    FreihandSettings | DexycbSettings | AssemblyhandsSettings | RenderedSettings, Field(discriminator="kind")
]


def layout_of(dataset: DatasetSettings) -> Layout:
    """Which labelled data set of the paper it is, or, rendered, imitates."""
    return dataset.layout if dataset.kind == "rendered" else dataset.kind


def caveat_of(dataset: DatasetSettings) -> str | None:
    """What numbers on a data set are not if it is configured so, and what to do; else None."""
    if isinstance(dataset, DexycbSettings) and dataset.frames != "labelled":
        return (
            f"`frames: {dataset.frames}` leaves out frames that DexYCB's own tool measures, so `dexycb_*` "
            "are no official numbers; for those, and to submit, set `frames: labelled` of this data set and "
            "train and predict anew"
        )
    return None


def parse_dataset(text: str) -> DatasetSettings:
    """One data set's settings from JSON; ``kind`` decides which model checks them."""
    adapter: TypeAdapter[DatasetSettings] = TypeAdapter(DatasetSettings)
    return adapter.validate_json(text)
