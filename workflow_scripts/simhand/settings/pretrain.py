"""Settings of the pre-training stage; the defaults are the recipe of the paper (section 4.1)."""

from typing import Literal

from pydantic import Field, model_validator

from simhand.settings.section import Section, switch


class PretrainSettings(Section):
    """Contrastive pre-training: encoder, recipe, weights, augmentation, and the points of difference."""

    encoder: Literal["resnet18", "resnet34", "resnet50", "resnet101", "resnet152"] = Field(
        "resnet50", description="torchvision architecture to pre-train"
    )
    head_width: int = Field(512, gt=0, description="hidden units of the projection head")
    embedding_size: int = Field(
        128, gt=0, multiple_of=2, description="outputs of the projection head, read as half as many 2D points"
    )
    image_size_px: int = Field(128, ge=32, description="side of the square view that the encoder sees")
    batch_size: int = Field(8192, ge=2, description="pairs per step; each is two views")
    epochs: int = Field(100, gt=0, description="passes over the pre-training set")
    learning_rate: float = Field(3.2e-3, gt=0, description="learning rate after the warm-up")
    warmup_epochs: int = Field(10, ge=0, description="epochs over which the learning rate climbs from zero")
    weight_decay: float = Field(1e-6, ge=0, description="L2 penalty, added to the gradient")
    temperature: float = Field(0.5, gt=0, description="temperature of the contrastive loss")

    weight_function: Literal["linear", "sigmoid"] = Field(
        "linear", description="adaptive weights: linear in the keypoint distance (Eq. 2), or a sigmoid of it"
    )
    weight_distance: Literal["joint_mean", "signed_mean", "absolute_mean"] = Field(
        "joint_mean",
        description="distance of two hands: mean distance of their joints, or two variants of the release",
    )
    sigmoid_positive: float = Field(
        5.0, gt=0, description="steepness per pixel of sigmoid weights of positives"
    )
    sigmoid_negative: float = Field(
        0.05, gt=0, description="steepness per pixel of sigmoid weights of negatives"
    )

    rotation_degrees: float = Field(45.0, ge=0, le=180, description="views turn by up to this, either way")
    margin_min: float = Field(0.9, gt=0, description="closest view, in distances of the farthest joint")
    margin_max: float = Field(1.5, gt=0, description="widest view, in distances of the farthest joint")
    translation: float = Field(
        15 / 224, ge=0, lt=1, description="views shift by up to this share of the crop's side"
    )
    hue_turns: float = Field(
        0.1, ge=0, le=0.5, description="hue turns by up to this share of the colour circle"
    )

    device: Literal["auto", "cpu", "cuda"] = Field(
        "auto", description="where to train; auto takes a GPU if there is one"
    )
    precision: Literal["float32", "bfloat16"] = Field(
        "float32", description="arithmetic of the encoder; bfloat16 is for GPUs that have it"
    )
    memory_mb: int = Field(
        4096, ge=0, description="decoded crops are kept in memory up to this size, else decoded again"
    )
    log_every_steps: int = Field(10, gt=0, description="steps between two lines of the history")

    augmentation: Literal["one_warp", "release"] = switch(
        "geometry as one bilinear warp, shifts to all sides, black outside the crop, colour in RGB; or the"
        " release's rotate, crop (cut at the border and squashed), resize, colour in swapped channels",
        ours="one_warp",
        release="release",
    )
    simclr_geometry: Literal["scale", "translation"] = switch(
        "geometric augmentation of SimCLR: random scale, as the paper says, or shift, as its commands do",
        ours="scale",
        paper="scale",
        release="translation",
    )
    latent_alignment: Literal["exact", "release"] = switch(
        "T^-1 on the embedding: the very matrix of the view (rotation, shift and scale), or rotation and an"
        " approximate shift without scale",
        ours="exact",
        release="release",
    )
    sampling: Literal["without_replacement", "with_replacement"] = switch(
        "an epoch shows every anchor once, or draws anchors with replacement, sources equally often",
        ours="without_replacement",
        release="with_replacement",
    )
    last_batch: Literal["drop", "keep"] = switch(
        "what happens to an epoch's last, incomplete batch", ours="drop", release="keep"
    )
    schedule: Literal["exact", "release"] = switch(
        "warm-up and cosine over the steps that are really run, or planned for fewer, so that the rate climbs"
        " again at the end",
        ours="exact",
        release="release",
    )
    optimiser: Literal["adam", "lars_adam"] = switch(
        "Adam, or Adam behind a LARS trust ratio that is clipped at 1",
        ours="adam",
        paper="lars_adam",
        release="lars_adam",
    )
    decayed: Literal["matrices", "release_names"] = switch(
        "weight decay on tensors of two or more dimensions, or on all but names with 'bias' or 'bn', which"
        " includes some normalisation scales",
        ours="matrices",
        release="release_names",
    )

    @model_validator(mode="after")
    def _has_ordered_margins(self) -> "PretrainSettings":
        if self.margin_min > self.margin_max:
            raise ValueError(f"margin_min {self.margin_min:g} is above margin_max {self.margin_max:g}")
        return self
