"""From a result back to the videos: the certificates behind it, and whether the files are still the same."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from simhand.certificates.certificate import (
    certificate_path,
    digest_of_files,
    input_paths,
    read_certificate,
)
from simhand.errors import DataError

AS_CERTIFIED = "as certified"
CHANGED = "CHANGED SINCE"
MISSING = "MISSING"
UNCERTIFIED = "no certificate"


@dataclass(frozen=True)
class Link:
    """A result in the chain: its certificate, what it was made from, and what made use of it.

    Attributes:
        role: what it is to the result that was made from it; ``result`` for the one asked for.
        certificate: None where the stage that wrote it writes none.
        inputs: the certified results that it was made from.
        leaves: other files that it was made from: role, files, digest noted.
    """

    role: str
    result: Path
    certificate: Mapping[str, Any] | None
    inputs: tuple["Link", ...] = ()
    leaves: tuple[tuple[str, tuple[Path, ...], str], ...] = ()

    def each(self) -> Iterator["Link"]:
        """This link and all behind it, each result once, the nearest first."""
        seen: set[Path] = set()
        pending = [self]
        while pending:
            link = pending.pop(0)
            if link.result not in seen:
                seen.add(link.result)
                yield link
                pending += link.inputs

    def find(self, role: str) -> "Link | None":
        """The nearest link in a role, such as ``encoder``."""
        return next((link for link in self.each() if link.role == role), None)


def chain(result: Path, role: str = "result") -> Link:
    """``result`` with everything certified that it was made from, as far back as certificates lead."""
    certificate = read_certificate(result)
    if certificate is None:
        return Link(role, result, None)
    inputs, leaves = [], []
    for name, noted in certificate["inputs"].items():
        paths = input_paths(certificate, result, name)
        if len(paths) == 1 and certificate_path(paths[0]).is_file():
            inputs.append(chain(paths[0], name))
        else:
            leaves.append((name, tuple(paths), noted["sha256"]))
    return Link(role, result, certificate, tuple(inputs), tuple(leaves))


@dataclass
class Checked:
    """Compares files with the digests that certificates note; each file is read once."""

    digests: dict[tuple[Path, ...], str | None] = field(default_factory=dict)

    def state(self, paths: tuple[Path, ...], noted: str | None) -> str:
        """Whether the files at ``paths`` have the content that was noted."""
        if paths not in self.digests:
            try:
                self.digests[paths] = digest_of_files(paths)
            except DataError:
                self.digests[paths] = None
        if self.digests[paths] is None:
            return MISSING
        return AS_CERTIFIED if self.digests[paths] == noted else CHANGED

    def state_of(self, link: Link) -> str:
        """Whether a result is the one that its own certificate was written for."""
        if link.certificate is None:
            return UNCERTIFIED if link.result.exists() else MISSING
        return self.state((link.result,), link.certificate["made"].get(link.result.name))

    def broken_inputs(self, link: Link) -> list[str]:
        """What a result was made from that is no longer there as it was then, in words."""
        if link.certificate is None:
            return []
        noted = {name: entry["sha256"] for name, entry in link.certificate["inputs"].items()}
        behind = [(found.role, (found.result,), noted[found.role]) for found in link.inputs]
        return [
            f"{role} {_named(paths)}: {state} this was made from it"
            for role, paths, digest in [*behind, *link.leaves]
            if (state := self.state(paths, digest)) != AS_CERTIFIED
        ]


def _named(paths: tuple[Path, ...]) -> str:
    return str(paths[0]) if len(paths) == 1 else f"({len(paths)} files, {paths[0]} ...)"
