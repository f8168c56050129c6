"""The names of the groups of experiments: the paper's tables and figures, and the user's own."""

import difflib
import re
from typing import Annotated

from pydantic import AfterValidator, Field

PAPER_TABLES = tuple(f"table{number}" for number in range(1, 9))
FIGURES_WITH_EXPERIMENTS = ("figure4", "figure5", "figure7")
FIGURES_OF_PAIRS = ("figure2", "figure8")
"""Figures of the paper that show mined pairs, so that no experiment stands behind them."""

TABLE_PROTOCOL = "simhand"
"""The protocol that tables and Figure 4 show."""

TARGETS = (
    *("all", "index", "frames", "crops", "keypoints", "pca", "pairs", "export"),
    *("pretrain", "finetune", "metrics", "tables", "figures", "report", "submissions"),
    "preflight",
)
"""Targets of the workflow that a group could be mistaken for, since each group of the user's is a target."""

TOO_SIMILAR = 0.8


def _is_a_group(name: str) -> str:
    known = [*PAPER_TABLES, *FIGURES_WITH_EXPERIMENTS]
    if name in known:
        return name
    if name in FIGURES_OF_PAIRS:
        raise ValueError(f"{name} shows mined pairs and needs no experiments; leave it out and ask for it")
    if name in TARGETS:
        raise ValueError("is a target of the workflow already; give the group another name")
    similar = difflib.get_close_matches(name, known, n=1, cutoff=TOO_SIMILAR)
    if similar or re.fullmatch(r"(table|figure)\d*", name):
        meant = f"did you mean '{similar[0]}'? " if similar else ""
        raise ValueError(
            f"no such table or figure of experiments; {meant}The paper's are {', '.join(known)}; a group of "
            "your own needs a name that is not mistaken for one of them"
        )
    return name


GroupName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$"), AfterValidator(_is_a_group)]


def is_table(group: str) -> bool:
    """Whether a group of experiments is shown as a table: all are but those of figures."""
    return group not in FIGURES_WITH_EXPERIMENTS
