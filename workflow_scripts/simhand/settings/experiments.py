"""The experiment grid: a few lines of config become named pre-training and fine-tuning experiments."""

from collections.abc import Iterator
from itertools import pairwise, product
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple

from pydantic import AfterValidator, Field, model_validator

from simhand.settings.section import Preset, Section


class MethodEntry(NamedTuple):
    """What is known of a pre-training method without loading it.

    ``title`` is what tables and figures call it. ``pairs`` says which pairs of hands it learns from:
    ``similar`` ones of other recordings, the same hand in ``adjacent`` frames, or None.
    """

    title: str
    pairs: Literal["similar", "adjacent"] | None = None


METHODS: dict[str, MethodEntry] = {
    "simclr": MethodEntry("SimCLR"),
    "peclr": MethodEntry("PeCLR"),
    "simhand": MethodEntry("SiMHand", pairs="similar"),
    "tempclr": MethodEntry("TempCLR", pairs="adjacent"),
}
"""The pre-training methods; each is a file of this name in pretraining/methods/. New ones go to the end,
so that those before keep their colours."""

WEAKLY_SUPERVISED = "weakly-supervised"
"""No pre-training: labelled images and the set with its keypoints are learnt from together."""

METHOD_TITLES = {"none": "no pre-training"} | {name: entry.title for name, entry in METHODS.items()}
METHOD_TITLES |= {WEAKLY_SUPERVISED: "weakly supervised"}
METHODS_WITH_PAIRS = tuple(name for name, entry in METHODS.items() if entry.pairs)

if TYPE_CHECKING:
    Method = str
else:
    Method = Literal["none", *METHODS, WEAKLY_SUPERVISED]

Weighting = Literal["none", "positive", "negative", "both"]

NAME_PATTERN = r"[a-z0-9][a-z0-9-]*"


def _ascending(ranks: str) -> str:
    if any(later <= earlier for earlier, later in pairwise(ranks_of(ranks))):
        raise ValueError(f"the ranks of {ranks} must ascend, each named once")
    return ranks


Ranks = (
    Annotated[int, Field(ge=1)]
    | Annotated[str, Field(pattern=r"^[1-9]\d*(\+[1-9]\d*)+$"), AfterValidator(_ascending)]
)
"""The rank of the positive, or several at once, joined by +."""


def ranks_of(top_k: int | str) -> tuple[int, ...]:
    """The ranks that ``top_k`` names: 5 is rank 5, ``1+2+5`` are three at once."""
    return tuple(map(int, str(top_k).split("+")))


class ExperimentRow(Section):
    """Some rows of a table: every list is crossed with every other, so one line can be a whole block."""

    method: Method | list[Method] = Field(
        description="pre-training method; none = fine-tune from `init`; weakly-supervised = the same, while"
        " the crops and keypoints of `set` are learnt from too"
    )
    set: str | list[str] | None = Field(
        None, description="pre-training set, one of `sets` (not with method none)"
    )
    weighting: Weighting | list[Weighting] = Field(
        "none", description="which pairs the adaptive weights of Eq. 2 and 3 apply to"
    )
    top_k: Ranks | list[Ranks] = Field(
        1,
        description="rank of the mined positive (simhand), which must be in pairs.ranks. `1+2+5` takes the"
        " positives of ranks 1, 2 and 5 at once: one experiment on four views of each hand; a list makes"
        " one experiment of each entry",
    )
    init: str | list[str] = Field(
        "random", description="encoder before pre-training: random, imagenet, or a weights file"
    )
    dataset: str | list[str] = Field(description="labelled data set to fine-tune on, one of `datasets`")
    label_fraction: float | list[float] = Field(
        1.0, description="share of the training labels to fine-tune on"
    )
    label: str | None = Field(
        None,
        pattern=f"^{NAME_PATTERN}$",
        description="distinguishes a row that overrides the preset or settings; becomes part of its names",
    )
    preset: Preset | None = Field(
        None, description="another preset for this row: it sets every switch that the row's overrides do not"
    )
    pretrain: dict[str, Any] = Field(default_factory=dict, description="overrides of the pretrain section")
    finetune: dict[str, Any] = Field(default_factory=dict, description="overrides of the finetune section")

    @model_validator(mode="after")
    def _is_complete(self) -> "ExperimentRow":
        if self.set is None and any(method != "none" for method in _as_list(self.method)):
            raise ValueError("all methods but `none` need a set: add `set: <one of sets>`")
        if not self.label and (self.preset or self.pretrain or self.finetune):
            raise ValueError("a row with overrides needs a `label`, which becomes part of its names")
        return self


class PretrainExperiment(Section):
    """One pre-training: what distinguishes it from the others, and the name of its folder."""

    name: str
    method: Method
    set: str
    weighting: Weighting
    top_k: Ranks
    init: str
    seed: int


class FinetuneExperiment(Section):
    """One fine-tuning: the pre-training it starts from (without one, its ``init``) and its labels."""

    name: str
    method: Method
    set: str | None
    weighting: Weighting
    top_k: Ranks | None
    init: str
    dataset: str
    label_fraction: float
    seed: int


class Experiment(Section):
    """A fine-tuning, the pre-training that feeds it, and the row of the config that both come from."""

    row: ExperimentRow
    pretrain: PretrainExperiment | None
    finetune: FinetuneExperiment


def expand_row(row: ExperimentRow, seeds: list[int]) -> Iterator[Experiment]:
    """All experiments of one row, in the order of its lists; without pre-training only ``init`` matters."""
    axes = (row.method, row.set, row.weighting, row.top_k, row.init, row.dataset, row.label_fraction, seeds)
    for method, set_name, weighting, top_k, init, dataset, fraction, seed in product(*map(_as_list, axes)):
        label = f"_{row.label}" if row.label else ""
        # Rows that differ only in how they fine-tune share their pre-training.
        before, after = (label, "") if row.pretrain or row.preset else ("", label)
        pretrain = None
        ranked = method in METHODS and METHODS[method].pairs == "similar"
        start = f"none_{_init_name(init)}{before}_seed{seed}"
        if method == WEAKLY_SUPERVISED:
            start = f"{method}_{set_name}_{start}"
        elif method != "none":
            rank = f"_top{top_k}" if ranked else ""
            start = f"{method}_{set_name}_{weighting}{rank}_{_init_name(init)}{before}_seed{seed}"
            pretrain = PretrainExperiment(
                name=start,
                method=method,
                set=set_name,
                weighting=weighting,
                top_k=top_k if ranked else 1,
                init=init,
                seed=seed,
            )
        finetune = FinetuneExperiment(
            name=f"{start}__{dataset}_{100 * fraction:g}pct{after}",
            method=method,
            set=set_name if method != "none" else None,
            weighting=weighting if pretrain else "none",
            top_k=top_k if ranked else None,
            init=init,
            dataset=dataset,
            label_fraction=fraction,
            seed=seed,
        )
        yield Experiment(row=row, pretrain=pretrain, finetune=finetune)


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _init_name(init: str) -> str:
    """The initialisation as part of a file name: a weights file gives its stem."""
    stem = init.replace("\\", "/").rsplit("/", 1)[-1].rsplit(".", 1)[0]
    return "".join(char if char.isalnum() else "-" for char in stem.lower())
