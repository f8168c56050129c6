"""What each table of the paper holds, as data: its rows and its scores, all of one protocol."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from simhand.settings.datasets import Layout
from simhand.settings.experiment_groups import PAPER_TABLES

DATASET_TITLES: dict[Layout, str] = {
    "freihand": "FreiHAND",
    "dexycb": "DexYCB",
    "assemblyhands": "AssemblyHands",
}


@dataclass(frozen=True)
class Key:
    """A column by which a measured row finds the paper's.

    Attributes:
        ours: what we call it: an attribute of :class:`~simhand.report.metrics.MeasuredRow`.
        theirs: the column in the CSV of the paper's numbers.
        names: what the paper calls our values, where it has names of its own. A value of ours that is not
            in it has no row in the paper, and a row of the paper whose value is not in it cannot be run.
    """

    ours: str
    theirs: str
    names: Mapping[str, str] | None = None

    def in_paper(self, value: str | None) -> str | None:
        """What the paper calls our ``value``; raises KeyError if it has no name for it."""
        return value if self.names is None else self.names[value or ""]

    def in_ours(self, value: str | None) -> str | None:
        """What we call the paper's ``value``; raises KeyError if it is nothing of ours."""
        return value if self.names is None else {name: ours for ours, name in self.names.items()}[value or ""]


@dataclass(frozen=True)
class Score:
    """One measured quantity and the paper's column that stands beside it, if it has one.

    ``layout`` is the data set that it is measured on in the paper; None takes any.
    """

    metric: str
    unit: str
    label: str
    higher_is_better: bool
    reported_column: str | None = None
    layout: Layout | None = None


@dataclass(frozen=True)
class TableDefinition:
    """One table of the paper, or a group of experiments of the user's own.

    Attributes:
        name: file name of the table, its CSV of reported numbers and its target in the workflow.
        shown: the columns that describe a row, always shown; others are if they tell rows apart.
        keys: what finds the paper's row for a measured one; none: nothing is reported.
        scores: by data set. If they are of several data sets, a row holds the fine-tunings on all of them.
        fixed: for each of our columns named, the values with which a measured row can have a row in the
            paper; None among them stands for a row that has no such value.
        paper_labels: share of the labels that the paper fine-tunes on.
    """

    name: str
    title: str
    caption: str
    shown: tuple[str, ...]
    scores: tuple[Score, ...]
    keys: tuple[Key, ...] = ()
    fixed: Mapping[str, tuple[str | None, ...]] = field(default_factory=dict)
    paper_labels: float | None = None

    @property
    def layouts(self) -> tuple[Layout | None, ...]:
        """The data sets of the scores, each once."""
        return tuple(dict.fromkeys(score.layout for score in self.scores))


PROTOCOL_NOTE = (
    "Protocol simhand, inferred from the released metric code: both hands are moved to the wrist, the "
    "prediction is scaled by the ratio of the bones 0-9, and PCK-AUC runs from 20 to 50 mm in 15 steps."
)
"""How the measured numbers of all tables were taken."""

WITHOUT_WEIGHTING = (
    "The paper's rows are those without adaptive weighting: shown by its Table 3 at 100K, inferred elsewhere."
)
BOTH_WEIGHTINGS = (
    "The paper does not say whether its rows use adaptive weighting, so they are measured without (none) "
    "and with it (both), and both stand beside the one number that is reported."
)
MIXED_PROTOCOLS = (
    "The other methods' numbers are the paper's quotations; they were not measured in one protocol, and "
    "most are not scaled by a bone, so they do not compare with the rows measured here."
)
TENTH = "FreiHAND, 10 % of the labels"

METHOD = Key("method", "method")
SET = Key("set", "pretraining_set")
WEIGHTING = Key("weighting", "weighting")
BACKBONE = Key("encoder", "backbone", {"resnet50": "ResNet50"})
STATE_OF_THE_ART = Key("method", "method", {"none": "Zhou et al. (2020)", "simhand": "SiMHand"})

TOP_1: Mapping[str, tuple[str | None, ...]] = {"top_k": (None, "1")}
UNSTATED: Mapping[str, tuple[str | None, ...]] = {**TOP_1, "weighting": ("none", "both")}


def _scores(layout: Layout, column: str, auc: bool = True) -> tuple[Score, ...]:
    """MPJPE, and PCK-AUC where the paper has it, of one data set."""
    mpjpe = Score("mpjpe", "mm", "MPJPE", False, f"{column}_mpjpe_mm", layout)
    return (mpjpe, Score("pck_auc", "%", "PCK-AUC", True, f"{column}_pck_auc", layout))[: 1 + auc]


DEFINITIONS = (
    TableDefinition(
        name="table1",
        title="Pre-training methods on three data sets",
        caption=f"Measured by this run beside Table 1 of the paper (all labels). {BOTH_WEIGHTINGS}",
        shown=("method", "set", "weighting"),
        keys=(METHOD, SET),
        scores=(
            *_scores("freihand", "freihand"),
            *_scores("dexycb", "dexycb"),
            *_scores("assemblyhands", "assemblyhands"),
        ),
        fixed=UNSTATED,
        paper_labels=1.0,
    ),
    TableDefinition(
        name="table2",
        title="Pre-training method and pre-training set",
        caption=f"Measured by this run beside Table 2 of the paper ({TENTH}). {WITHOUT_WEIGHTING}",
        shown=("method", "set", "weighting"),
        keys=(METHOD, SET, WEIGHTING),
        scores=_scores("freihand", "freihand10"),
        fixed=TOP_1,
        paper_labels=0.1,
    ),
    TableDefinition(
        name="table3",
        title="Similar hands and adaptive weighting",
        caption=f"Measured by this run beside Table 3 of the paper ({TENTH}): what mined positives and what "
        "adaptive weights contribute.",
        shown=("method", "set", "similar hands", "weighting"),
        keys=(METHOD, SET, Key("weighting", "adaptive_weighting", {"none": "no", "both": "yes"})),
        scores=_scores("freihand", "freihand10"),
        fixed=TOP_1,
        paper_labels=0.1,
    ),
    TableDefinition(
        name="table4",
        title="Rank of the positive",
        caption=f"Measured by this run beside Table 4 of the paper ({TENTH}): SiMHand with the K-th most "
        f"similar hand as positive. {WITHOUT_WEIGHTING}",
        shown=("method", "set", "weighting", "rank of the positive"),
        keys=(METHOD, SET, WEIGHTING, Key("top_k", "top_k")),
        scores=_scores("freihand", "freihand10"),
        paper_labels=0.1,
    ),
    TableDefinition(
        name="table5",
        title="Similar hands beside adjacent frames (TempCLR)",
        caption=f"Measured by this run beside Table 5 of the paper ({TENTH}). {WITHOUT_WEIGHTING}",
        shown=("method", "set", "weighting"),
        keys=(METHOD, SET, WEIGHTING),
        scores=_scores("freihand", "freihand10"),
        fixed=TOP_1,
        paper_labels=0.1,
    ),
    TableDefinition(
        name="table6",
        title="Pre-training beside weak supervision",
        caption=f"Measured by this run beside Table 6 of the paper ({TENTH}): the 2D keypoints of a set as "
        f"labels of a joint training, or the set pre-trained on. {WITHOUT_WEIGHTING}",
        shown=("method", "set", "weighting"),
        keys=(
            Key(
                "method",
                "setting",
                {"weakly-supervised": "weakly-supervised", "simhand": "pretraining-and-finetuning"},
            ),
            Key("set", "unlabeled_set"),
            WEIGHTING,
        ),
        scores=_scores("freihand", "freihand10"),
        fixed=TOP_1,
        paper_labels=0.1,
    ),
    TableDefinition(
        name="table7",
        title="3D hand pose estimation on DexYCB",
        caption="Measured by this run beside Table 7 of the paper (all labels). Zhou et al. (2020) is the "
        f"network without pre-training, SiMHand the one pre-trained on Ego&Exo-2M. {BOTH_WEIGHTINGS} "
        f"{MIXED_PROTOCOLS}",
        shown=("method", "backbone", "set", "weighting"),
        keys=(STATE_OF_THE_ART, BACKBONE),
        scores=_scores("dexycb", "dexycb", auc=False),
        fixed={**UNSTATED, "set": (None, "egoexo-2m")},
        paper_labels=1.0,
    ),
    TableDefinition(
        name="table8",
        title="3D hand pose estimation on AssemblyHands",
        caption="Measured by this run beside Table 8 of the paper (all labels). Zhou et al. (2020) is the "
        f"network without pre-training, SiMHand the one pre-trained on Ego&Exo-2M. {BOTH_WEIGHTINGS} "
        f"{MIXED_PROTOCOLS}",
        shown=("method", "backbone", "set", "weighting"),
        keys=(STATE_OF_THE_ART, BACKBONE),
        scores=_scores("assemblyhands", "assemblyhands", auc=False),
        fixed={**UNSTATED, "set": (None, "egoexo-2m")},
        paper_labels=1.0,
    ),
)

TABLES: dict[str, TableDefinition] = {definition.name: definition for definition in DEFINITIONS}
assert tuple(TABLES) == PAPER_TABLES


def table_definition(name: str) -> TableDefinition:
    """The definition of the paper's table ``name``, or of the table of a group of that name."""
    return TABLES.get(name) or TableDefinition(
        name=name,
        title=f"Experiments {name}",
        caption="Measured by this run; a group of its own, which is not in the paper.",
        shown=("method", "set", "weighting"),
        scores=(
            Score("mpjpe", "mm", "MPJPE", higher_is_better=False),
            Score("pck_auc", "%", "PCK-AUC", higher_is_better=True),
        ),
    )
