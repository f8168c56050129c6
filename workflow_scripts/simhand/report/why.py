"""Where a number comes from, told by the certificates from it back to the videos: `make why`."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from simhand.certificates import facts
from simhand.certificates.certificate import certificate_path
from simhand.certificates.chain import AS_CERTIFIED, Checked, Link, chain
from simhand.errors import ConfigError, DataError
from simhand.files.tables import read_table
from simhand.report.cells import NamedCell, experiments_of, find_cell, listing
from simhand.report.metrics import measurement

SHOWN_COMMAND = 150
INDENT = "    "


def explain(run_dir: Path, asked: str) -> str:
    """The answer to `make why CELL=asked`, with every file compared with its certificate.

    Args:
        run_dir: results/<run>.
        asked: a cell such as ``table2/simhand/ego-100k/mpjpe``; an experiment, alone or followed by
            ``/<protocol>`` and ``/<metric>``; or a certified file of the run, such as ``pairs/all.parquet``;
            '' for a list of all cells and experiments.

    Raises:
        ConfigError: there is no such run or number; the message lists the numbers that there are.
        DataError: a certificate or table is missing or damaged.
    """
    if not run_dir.is_dir():
        raise ConfigError(f"{run_dir} is no folder; name that of a run, for example results/demo")
    if not asked:
        return listing(run_dir)
    teller = Teller(run_dir)
    if (run_dir / asked).is_file() and certificate_path(run_dir / asked).is_file():
        return "\n".join([asked, *teller.story(run_dir / asked)])
    experiment, _, which = asked.partition("/")
    if experiment in experiments_of(run_dir):
        protocol, _, metric = which.partition("/")
        return "\n".join([asked, *teller.of_experiment(experiment, protocol, metric)])
    cell = find_cell(run_dir, asked)
    lines = [f"{cell.name} = {cell.text}", f"protocol {cell.protocol}", *teller.doubts(cell)]
    for experiment in cell.experiments:
        lines += ["", *teller.of_experiment(experiment, cell.protocol, cell.metric)]
    return "\n".join(lines)


class Teller:
    """Tells the origin of one result after the other; what several of them share is told once."""

    def __init__(self, run_dir: Path) -> None:
        """Begin with nothing told."""
        self.run_dir = run_dir
        self.checked = Checked()
        self.told: set[Path] = set()
        self.machines: set[str] = set()

    def doubts(self, cell: NamedCell) -> Iterator[str]:
        """Why the table that a cell stands in may not be the one that it should be."""
        if not cell.configured:
            yield f"{cell.table} is no table of the configuration in provenance.json: another one made it"
        rows = [
            row
            for experiment in cell.experiments
            for row in self._rows(experiment, cell.protocol, cell.metric)
        ]
        now = measurement(rows)
        if now is None or now.texts != cell.numbers:
            yield (
                f"the table is older than its metrics, of which the mean is {now.mean:.2f} now: "
                if now
                else "the table is older than its metrics, which are blank now: "
            ) + f"make it again with `snakemake {cell.table}`"

    def of_experiment(self, experiment: str, protocol: str, metric: str) -> Iterator[str]:
        """The measured numbers of an experiment and its story; '' for any protocol or metric."""
        rows = self._rows(experiment, protocol, metric)
        yield experiment
        yield from (f"{INDENT}{_value(row)}" for row in rows)
        yield from self.story(self._metrics_file(experiment))

    def story(self, result: Path) -> Iterator[str]:
        """A paragraph for each certified result from ``result`` back."""
        for link in chain(result).each():
            if link.result in self.told:
                yield f"{self._name(link.result)}: as above"
                continue
            self.told.add(link.result)
            yield from self._paragraph(link)

    def _paragraph(self, link: Link) -> Iterator[str]:
        state = self.checked.state_of(link)
        yield f"{self._name(link.result)}: {state}"
        certificate = link.certificate
        if certificate is None:
            return
        if state != AS_CERTIFIED:
            yield f"{INDENT}the file at hand is not the one that this tells of; run its stage again"
        seed = f", seed {certificate['seed']}" if certificate["seed"] is not None else ""
        yield (
            f"{INDENT}{certificate['stage']}, fingerprint {facts.fingerprint(certificate)}, "
            f"commit {facts.commit(certificate)}{seed}"
        )
        yield f"{INDENT}{facts.when(certificate)}, took {facts.wall_time(certificate)}"
        machine = f"{facts.hardware(certificate)}; {facts.software(certificate)}"
        if machine not in self.machines:
            self.machines.add(machine)
            yield f"{INDENT}on {machine}"
        yield f"{INDENT}$ {_shortened(certificate['command'])}"
        if counts := _counts(certificate["facts"]):
            yield f"{INDENT}{counts}"
        if labels := certificate["recipe"].get("labels"):
            yield f"{INDENT}labels {labels} (digest of all labels, and of names and sizes of the images)"
        for role, paths, digest in link.leaves:
            files = self._name(paths[0]) if len(paths) == 1 else f"{len(paths)} files"
            yield f"{INDENT}from {role}: {files}, SHA-256 {digest[: facts.DIGITS]}"
        yield from (f"{INDENT}{text}" for text in self.checked.broken_inputs(link))

    def _rows(self, experiment: str, protocol: str, metric: str) -> list[dict[str, Any]]:
        path = self._metrics_file(experiment)
        rows = [
            row
            for row in read_table(path, "metrics").to_pylist()
            if protocol in ("", row["protocol"]) and metric in ("", row["metric"])
        ]
        if not rows:
            raise DataError(f"{path} has no metric {metric or 'at all'} of protocol {protocol or '(any)'}")
        return rows

    def _metrics_file(self, experiment: str) -> Path:
        found = sorted(self.run_dir.glob(f"*/{experiment}/metrics.parquet"))
        if not found:
            raise DataError(
                f"{self.run_dir} has no metrics of {experiment} any more; run `snakemake metrics`"
            )
        return found[0]

    def _name(self, path: Path) -> str:
        inside = path.is_relative_to(self.run_dir)
        return str(path.relative_to(self.run_dir) if inside else path)


def _value(row: dict[str, Any]) -> str:
    """One line of the metrics table."""
    low, high = row.get("low"), row.get("high")
    interval = "" if low is None or high is None else f", confidence interval {low:.2f} to {high:.2f}"
    value = "blank" if row["value"] is None else f"{row['value']:.2f} {row['unit']}"
    return (
        f"{row['protocol']} {row['metric']} {value}{interval} "
        f"({row['samples']} samples, {row['failures']} failures)"
    )


def _shortened(command: str) -> str:
    """A command with its long JSON arguments cut; the certificate has it whole."""
    return command if len(command) <= SHOWN_COMMAND else f"{command[:SHOWN_COMMAND]} ..."


def _counts(found: dict[str, Any]) -> str:
    numbers: Sequence[str] = [
        f"{value:,} {name.replace('_', ' ')}" for name, value in found.items() if isinstance(value, int)
    ]
    return ", ".join(numbers)
