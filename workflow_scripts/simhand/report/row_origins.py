"""The certificates behind the rows of a table, as the table shows them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from simhand.certificates import facts
from simhand.certificates.chain import Link, chain
from simhand.report.definitions import TableDefinition
from simhand.report.differences import Difference, differences
from simhand.report.metrics import MeasuredRow
from simhand.settings.tables import TablesSettings

STAGES = {"result": "evaluation", "predictions": "fine-tuning", "encoder": "pre-training"}
"""What the table shows of the chain; `make why` shows all of it."""


@dataclass(frozen=True)
class CertificateFacts:
    """One experiment of a row and the stages behind it: for each, a line of what its certificate says."""

    experiment: str
    lines: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class RowOrigin:
    """Where a row comes from; empty where nothing is certified."""

    differences: tuple[Difference, ...] = ()
    certificates: tuple[CertificateFacts, ...] = ()


def row_origins(
    rows: Sequence[MeasuredRow],
    metrics_files: Mapping[str, Path],
    definition: TableDefinition,
    settings: TablesSettings,
) -> dict[str, RowOrigin]:
    """The origins of ``rows`` by their experiment.

    Args:
        rows: of the table.
        metrics_files: the file that the metrics of each experiment are in, beside their certificate.
        definition: of the table.
        settings: of the table.

    Raises:
        DataError: a certificate is damaged.
    """
    origins = {}
    for row in rows:
        links = {name: chain(metrics_files[name]) for name in row.all_experiments()}
        found = [
            difference for link in links.values() for difference in differences(link, definition, settings)
        ]
        certified = [CertificateFacts(name, _lines(link)) for name, link in links.items() if link.certificate]
        origins[row.experiment] = RowOrigin(tuple(dict.fromkeys(found)), tuple(certified))
    return origins


def _lines(link: Link) -> tuple[tuple[str, str], ...]:
    """A line for each stage shown."""
    return tuple(
        (title, stage_line(found))
        for role, title in STAGES.items()
        if (found := link.find(role)) and found.certificate
    )


def stage_line(link: Link) -> str:
    """Fingerprint, commit, seed, time and machine of a certified result."""
    certificate = link.certificate
    assert certificate is not None
    seed = f", seed {certificate['seed']}" if certificate["seed"] is not None else ""
    return (
        f"fingerprint {facts.fingerprint(certificate)}, commit {facts.commit(certificate)}{seed}, "
        f"{facts.when(certificate)}, took {facts.wall_time(certificate)} on {facts.hardware(certificate)}"
    )
