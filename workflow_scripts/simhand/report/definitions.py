"""What each table of the paper holds, as data: its rows, its scores and the protocol they are measured in."""

from dataclasses import dataclass

from simhand.errors import ConfigError


@dataclass(frozen=True)
class Score:
    """One measured quantity and the paper's column that stands beside it."""

    metric: str
    unit: str
    label: str
    reported_column: str
    higher_is_better: bool


@dataclass(frozen=True)
class TableDefinition:
    """One table of the paper.

    Attributes:
        name: file name of the table, its CSV of reported numbers and its target in the workflow.
        keys: what a row is looked up by: our column of the metrics table, the paper's column in the CSV.
        protocol: protocol of the metrics table that is set beside the paper.
        fixed: values of other columns that all of the paper's rows share; a measured row that has
            another value is shown without a reported number.
    """

    name: str
    title: str
    caption: str
    keys: tuple[tuple[str, str], ...]
    scores: tuple[Score, ...]
    protocol: str
    protocol_note: str
    fixed: tuple[tuple[str, object], ...] = ()


SIMHAND_PROTOCOL_NOTE = (
    "Protocol simhand, inferred from the released metric code: both hands are moved to the wrist, the "
    "prediction is scaled by the ratio of the bones 0-9, and PCK-AUC runs from 20 to 50 mm in 15 steps."
)

TABLES: dict[str, TableDefinition] = {
    "table2": TableDefinition(
        name="table2",
        title="Pre-training method and pre-training set",
        caption=(
            "Measured by this run beside Table 2 of the paper (FreiHAND, 10 % of the labels). The paper's "
            "rows are those without adaptive weighting: shown by its Table 3 at 100K, inferred at the "
            "other sizes."
        ),
        keys=(("method", "method"), ("set", "pretraining_set"), ("weighting", "weighting")),
        scores=(
            Score("mpjpe", "mm", "MPJPE", "freihand10_mpjpe_mm", higher_is_better=False),
            Score("pck_auc", "%", "PCK-AUC", "freihand10_pck_auc", higher_is_better=True),
        ),
        protocol="simhand",
        protocol_note=SIMHAND_PROTOCOL_NOTE,
        fixed=(("top_k", 1),),
    ),
}


def table_definition(name: str) -> TableDefinition:
    """The definition of table ``name``.

    Raises:
        ConfigError: there is no such table.
    """
    if name not in TABLES:
        raise ConfigError(f"there is no table '{name}'; the tables are {', '.join(sorted(TABLES))}")
    return TABLES[name]
