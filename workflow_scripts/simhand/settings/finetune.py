"""Settings of the fine-tuning stage; the defaults are the published recipe, as far as it is public."""

from typing import ClassVar, Literal

from pydantic import Field, model_validator

from simhand.settings.encoder import Encoder
from simhand.settings.section import Section, switch

INFERRED = (
    "learning_rate",
    "schedule",
    "heat_weight",
    "delta_weight",
    "location_weight",
    "sigma_cells",
    "max_rotation_degrees",
    "centre_jitter",
    "scale_jitter",
    "colour_jitter",
    "hue_jitter",
)
"""What neither paper nor release tells; the defaults are those of the code that theirs is made from."""


class FinetuneSettings(Section):
    """DetNet: its size, its training, and every point where paper, release and a correct method differ."""

    without_effect: ClassVar[frozenset[str]] = frozenset(
        {"device", "cache_mb", "checkpoint_minutes", "log_every_steps", "tensorboard"}
    )

    encoder: Encoder = Field(
        "resnet50",
        description="encoder below the heads: resnet18 ... resnet152, or timm/<convolutional model>",
    )
    head_width: int = Field(256, gt=0, description="channels of the deconvolutions and heads")
    input_px: int = Field(
        128, ge=32, multiple_of=32, description="side of the network input; maps have a quarter of it"
    )
    epochs: int = Field(120, gt=0, description="passes over the labelled images")
    batch_size: int = Field(
        128, gt=0, description="images per step; an epoch's last partial batch is left out"
    )
    learning_rate: float = Field(
        1e-3, gt=0, description="Adam's learning rate (not published; from Minimal-Hand)"
    )
    schedule: Literal["constant", "cosine"] = Field(
        "constant", description="learning rate over the steps: as it is, or falling to zero along a cosine"
    )
    heat_weight: float = Field(100.0, ge=0, description="weight of the heat-map loss")
    delta_weight: float = Field(1.0, ge=0, description="weight of the bone-direction loss")
    location_weight: float = Field(10.0, ge=0, description="weight of the joint-location loss")
    sigma_cells: float = Field(1.0, gt=0, description="width of the target Gaussians in heat-map cells")
    max_rotation_degrees: float = Field(
        90.0, ge=0, le=180, description="random rotation, uniform on both sides"
    )
    centre_jitter: float = Field(0.1, ge=0, lt=1, description="random shift as a share of the crop's side")
    scale_jitter: float = Field(
        0.1, ge=0, lt=1, description="random change of the crop's side, clipped at this share"
    )
    colour_jitter: float = Field(
        0.5, ge=0, lt=1, description="brightness, contrast, saturation vary by 1 +/- this"
    )
    hue_jitter: float = Field(
        0.15, ge=0, le=0.5, description="hue turns by up to this share of the colour circle"
    )
    cache_mb: int = Field(
        2048, ge=0, description="decoded images are kept in memory up to this size, else read again"
    )
    precision: Literal["float32", "bfloat16"] = Field("float32", description="arithmetic inside the network")
    device: Literal["auto", "cpu", "cuda"] = Field(
        "auto", description="where to train; auto takes a GPU if there is one"
    )
    checkpoint_minutes: float = Field(
        10, ge=0, description="a training that is killed loses at most so much; 0 saves after every step"
    )
    log_every_steps: int = Field(10, gt=0, description="steps between two lines of the history")
    tensorboard: bool = Field(
        True, description="also write the history for TensorBoard, to run/ beside the results"
    )
    pseudo_labelled_share: float = Field(
        0.5,
        gt=0,
        lt=1,
        description="method weakly-supervised: share of a batch that is crops of the pre-training set with"
        " their keypoints (not published); an epoch is still one pass over the labelled images",
    )

    weight_decay: float = switch(
        "L2 penalty on weights (the paper's L_reg, whose size it does not state)",
        ours=0.0,
        paper=1e-5,
        release=0.0,
        ge=0,
    )
    label_subset: Literal["stratified", "first"] = switch(
        "which labels a label fraction below 1 keeps: unique ids evenly over capture order with all versions,"
        " or the first images of the list (one background only)",
        ours="stratified",
        release="first",
    )
    validation_fraction: float = switch(
        "share of the labelled unique ids held out to choose the epoch", ours=0.1, release=0.0, ge=0, lt=1
    )
    model_selection: Literal["validation", "last", "test"] = switch(
        "which epoch is kept: best on the held-out labels, the last, or best on the test set",
        ours="validation",
        paper="last",
        release="test",
    )
    negative_images: bool = switch(
        "feed photographic negatives, (256 - x) mod 256, as the released loader does",
        ours=False,
        release=True,
    )
    input_statistics: Literal["imagenet", "centred"] = switch(
        "input normalisation: ImageNet mean and deviation as in pre-training, or x / 255 - 0.5",
        ours="imagenet",
        release="centred",
    )
    warp: Literal["bilinear", "nearest"] = switch(
        "interpolation when the crop is cut out of the image", ours="bilinear", release="nearest"
    )
    crop_geometry: Literal["exact", "truncated"] = switch(
        "crop centres as they are and every draw its own, or whole pixels and 1,025 different draws",
        ours="exact",
        release="truncated",
    )
    heat_targets: Literal["exact", "truncated"] = switch(
        "Gaussians at the joint itself, read out below one cell, or cut to 7 x 7 at a truncated position",
        ours="exact",
        release="truncated",
    )
    map_losses: Literal["mean_square", "frobenius"] = switch(
        "delta and location losses: heat-weighted mean square, the same for any batch size, or the Frobenius"
        " norm of the whole batch over its size",
        ours="mean_square",
        release="frobenius",
    )
    invisible_joints: Literal["ignore", "learn"] = switch(
        "joints that the data set marks as not visible or not valid: no loss sees them, nor bones and lengths"
        " that need them; or they are learnt like all others, wherever the labels put them",
        ours="ignore",
        release="learn",
    )
    unreadable_images: Literal["reject", "substitute"] = switch(
        "an image that cannot be read stops the stage, or another sample takes its place",
        ours="reject",
        release="substitute",
    )
    max_blur_px: float = switch("random Gaussian blur up to this radius", ours=0.0, release=0.5, ge=0)

    def inferred(self) -> list[str]:
        """The settings that stand at a default which is not published, as ``name = value``."""
        default = {name: type(self).model_fields[name].default for name in INFERRED}
        return [f"{name} = {value}" for name, value in default.items() if getattr(self, name) == value]

    @model_validator(mode="after")
    def _can_select(self) -> "FinetuneSettings":
        if self.model_selection == "validation" and self.validation_fraction == 0:
            raise ValueError("model_selection `validation` needs a validation_fraction above 0")
        return self
