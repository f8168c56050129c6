"""Where a number comes from, told by the certificates from it back to the videos: `make why`."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from simhand.certificates import facts
from simhand.certificates.cells import experiments_of, find_cell
from simhand.certificates.certificate import certificate_path
from simhand.certificates.chain import AS_CERTIFIED, Checked, Link, chain
from simhand.errors import DataError
from simhand.files.tables import read_table

SHOWN_COMMAND = 150
INDENT = "    "


def explain(run_dir: Path, asked: str) -> str:
    """The answer to `make why CELL=asked`, with every file compared with its certificate.

    Args:
        run_dir: results/<run>.
        asked: a cell such as ``table2/simhand/ego-100k/mpjpe``; an experiment, alone or followed by
            ``/<protocol>`` and ``/<metric>``; or a certified file of the run, such as ``pairs/all.parquet``.

    Raises:
        ConfigError: there is no such number; the message lists those that there are.
        DataError: a certificate or table is missing or damaged.
    """
    teller = Teller(run_dir)
    if (run_dir / asked).is_file() and certificate_path(run_dir / asked).is_file():
        return "\n".join([asked, *teller.story(run_dir / asked)])
    experiment, _, which = asked.partition("/")
    if experiment in experiments_of(run_dir):
        protocol, _, metric = which.partition("/")
        return "\n".join([asked, *teller.of_experiment(experiment, protocol, metric)])
    cell = find_cell(run_dir, asked)
    lines = [f"{cell.name} = {cell.text}", f"protocol {cell.protocol}"]
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

    def of_experiment(self, experiment: str, protocol: str, metric: str) -> Iterator[str]:
        """The measured numbers of an experiment and its story; '' for any protocol or metric."""
        path = self._metrics_file(experiment)
        rows = [
            row
            for row in read_table(path, "metrics").to_pylist()
            if protocol in ("", row["protocol"]) and metric in ("", row["metric"])
        ]
        if not rows:
            raise DataError(f"{path} has no metric {metric or 'at all'} of protocol {protocol or '(any)'}")
        yield experiment
        yield from (f"{INDENT}{_value(row)}" for row in rows)
        yield from self.story(path)

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
