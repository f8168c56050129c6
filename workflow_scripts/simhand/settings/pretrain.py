"""Settings of the pre-training stage; the defaults are the recipe of the paper (section 4.1)."""

from typing import ClassVar, Literal

from pydantic import Field, model_validator

from simhand.settings.encoder import Encoder
from simhand.settings.section import Section, switch


class PretrainSettings(Section):
    """Contrastive pre-training: encoder, recipe, weights, augmentation, and the points of difference."""

    without_effect: ClassVar[frozenset[str]] = frozenset(
        {
            "device",
            "processes",
            "gradient_caching",
            "memory_mb",
            "checkpoint_minutes",
            "log_every_steps",
            "probe_hands",
            "tensorboard",
        }
    )

    encoder: Encoder = Field(
        "resnet50",
        description="architecture to pre-train: resnet18 ... resnet152, or timm/<model>",
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

    bn_group: int | None = Field(
        2048,
        ge=2,
        description="BatchNorm of the encoder normalises over groups of so many consecutive views (anchors"
        " first, then positives), whatever process computes them; a group is the unit of work of processes"
        " and of gradient caching. It must divide a batch's views; a batch of fewer views, or null, is one"
        " group. 2048 is as many as each of the release's eight GPUs normalised over",
    )
    batch_norm: Literal["grouped", "synchronised"] = Field(
        "grouped",
        description="BatchNorm of the encoder: over groups of `bn_group` views, or torch's SyncBatchNorm over"
        " the whole batch (GPUs only, `bn_group: null`, no gradient caching)",
    )
    gradient_caching: bool = Field(
        False,
        description="compute the features of all groups first, then each group again for its gradient: the"
        " same gradient in the memory of one group, for one more forward pass",
    )
    processes: int = Field(
        1,
        ge=1,
        description="processes that train together on one node: one per GPU, or sharing the threads of a CPU;"
        " the result is the same up to rounding. Several nodes: README",
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
    checkpoint_minutes: float = Field(
        10, ge=0, description="a training that is killed loses at most so much; 0 saves after every step"
    )
    log_every_steps: int = Field(10, gt=0, description="steps between two lines of the history")
    probe_hands: int = Field(
        1000,
        ge=0,
        description="hands among which the encoder looks for neighbours after every epoch (retrieval error);"
        " 0 is off",
    )
    tensorboard: bool = Field(
        True, description="also write the history for TensorBoard, to run/ beside the results"
    )

    augmentation: Literal["one_warp", "release"] = switch(
        "geometry as one bilinear warp, shifts to all sides, black outside the crop, colour in RGB; or the"
        " release's rotate, crop (cut at the border and squashed), resize, colour in swapped channels",
        ours="one_warp",
        release="release",
    )
    weight_distance: Literal["joint_mean", "euclidean", "signed_mean", "absolute_mean"] = switch(
        "adaptive weights' distance of two hands: mean distance of their joints, Euclidean distance of their"
        " 42 coordinates (Eq. 2), or two variants of the release",
        ours="joint_mean",
        paper="euclidean",
        release="joint_mean",
    )
    contrasted_pairs: int | None = switch(
        "most pairs that are contrasted with each other: null for the whole batch, whatever devices it is on;"
        " each GPU of the release has negatives and weights of its own 1,024 pairs only",
        ours=None,
        paper=None,
        release=1024,
        ge=1,
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

    @model_validator(mode="after")
    def _has_groups_to_share(self) -> "PretrainSettings":
        if self.batch_norm == "synchronised" and (self.bn_group is not None or self.gradient_caching):
            raise ValueError(
                "batch_norm: synchronised normalises over the whole batch at once: it needs `bn_group: null`"
                " and no gradient_caching (grouped works on one device, and with caching)"
            )
        if (
            self.batch_norm == "grouped"
            and self.bn_group is None
            and (self.gradient_caching or self.processes > 1)
        ):
            raise ValueError(
                "gradient_caching and several processes work group by group: give bn_group, which may be null"
                " only for one process without caching"
            )
        return self
