"""The certificate beside a result: written by the stage that computes it, at the moment it is computed."""

import hashlib
import json
import os
import shlex
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from simhand.errors import DataError
from simhand.files.atomic import write_text
from simhand.files.identity import digest_of, file_sha256
from simhand.provenance import code_and_machine
from simhand.stage_code import stage_code

VERSION = 1
SUFFIX = ".certificate.json"

Inputs = Mapping[str, Path | Sequence[Path] | None]


def certificate_path(result: Path) -> Path:
    """Where the certificate of ``result`` lies: ``pairs/all.parquet`` has ``pairs/all.certificate.json``."""
    return result.with_suffix(SUFFIX)


@dataclass(frozen=True)
class ProvenanceRecord:
    """What is known of a computation that has begun: when, by which code on which machine, from what.

    ``files`` and ``digests`` are those of the inputs, by role, as they were when the computation began.
    """

    started_s: float
    code_and_machine: Mapping[str, Any]
    files: Mapping[str, Sequence[Path]]
    digests: Mapping[str, str]

    @classmethod
    def begin(cls, inputs: Inputs) -> "ProvenanceRecord":
        """To be called before a stage reads its inputs: they, and the commit, may be others when it ends.

        Args:
            inputs: files and folders that are read, by role; None for a role that has none here.

        Raises:
            DataError: one of the inputs is not there.
        """
        return cls(time.monotonic(), code_and_machine(), {}, {}).reading(inputs)

    def reading(self, inputs: Inputs) -> "ProvenanceRecord":
        """The same computation with further inputs, such as what it has made itself, as they are now.

        Raises:
            DataError: one of the inputs is not there.
        """
        files = {role: _listed(found) for role, found in inputs.items() if found}
        digests = {role: digest_of_files(found) for role, found in files.items()}
        return replace(self, files={**self.files, **files}, digests={**self.digests, **digests})

    def certify(
        self,
        made: Sequence[Path],
        *,
        recipe: Mapping[str, Any],
        seed: int | None = None,
        facts: Mapping[str, Any] | None = None,
    ) -> None:
        """Write the certificate of the files that the stage has ``made``, beside the first of them.

        It names every file with the SHA-256 of its content (of several files under one name, or a folder:
        the digest of all), so that anyone can see later whether the file at hand is the one that was made,
        or the one that it was made from.

        Args:
            made: files that are finished.
            recipe: settings and experiment, all that the result depends on beside inputs and code.
            seed: of the random draws, where there are any.
            facts: what only the computation could tell, such as the number of hands.
        """
        path = certificate_path(made[0])
        script = Path(sys.argv[0])
        certificate = {
            "certificate": VERSION,
            "stage": script.stem,
            "fingerprint": digest_of(script.stem, recipe, self.digests),
            "made": {file.name: file_sha256(file) for file in made},
            "inputs": {
                role: {"paths": [_noted(file, path.parent) for file in found], "sha256": self.digests[role]}
                for role, found in self.files.items()
            },
            "recipe": recipe,
            "seed": seed,
            "facts": dict(facts or {}),
            "code": _code_digest(script),
            "command": shlex.join(["python", *sys.argv]),
            "wall_s": round(time.monotonic() - self.started_s, 2),
            "slurm_job": os.environ.get("SLURM_JOB_ID"),
            **self.code_and_machine,
            "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        }
        write_text(path, json.dumps(certificate, indent=1, ensure_ascii=False) + "\n")


def read_certificate(result: Path) -> dict[str, Any] | None:
    """The certificate of ``result``; None if it has none.

    Raises:
        DataError: what lies there is no certificate.
    """
    path = certificate_path(result)
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except json.JSONDecodeError as error:
        raise DataError(f"{path} is not JSON ({error}); run the stage that wrote it again") from error
    if not isinstance(found, dict) or found.get("certificate") != VERSION:
        raise DataError(f"{path} is no certificate of version {VERSION}; run the stage that wrote it again")
    return found


def digest_of_files(paths: Sequence[Path]) -> str:
    """SHA-256 of one file; of several, or of a folder, a digest over the names and digests of all.

    Raises:
        DataError: one of them is not there.
    """
    try:
        if len(paths) == 1 and not paths[0].is_dir():
            return file_sha256(paths[0])
        listed = [[name, file_sha256(file)] for path in paths for name, file in _files_in(path)]
    except FileNotFoundError as error:
        raise DataError(
            f"{error.filename} does not exist; run the stage that writes it, or correct its name"
        ) from error
    return hashlib.sha256(json.dumps(listed).encode()).hexdigest()


def input_paths(certificate: Mapping[str, Any], result: Path, role: str) -> list[Path]:
    """The files that ``result`` was made from in one role, as paths from here."""
    noted = certificate["inputs"].get(role, {"paths": []})["paths"]
    return [Path(os.path.normpath(result.parent / path)) for path in noted]


def _listed(found: Path | Sequence[Path]) -> list[Path]:
    return [found] if isinstance(found, Path) else list(found)


def _files_in(path: Path) -> list[tuple[str, Path]]:
    """A file by its name, or the files of a folder by their names below it."""
    if not path.is_dir():
        return [(path.name, path)]
    return [(file.relative_to(path).as_posix(), file) for file in sorted(path.rglob("*")) if file.is_file()]


def _noted(path: Path, folder: Path) -> str:
    """Absolute paths as they are, others from the certificate's folder, so that a run can be moved."""
    return str(path) if path.is_absolute() else os.path.relpath(path, folder)


def _code_digest(script: Path) -> str | None:
    """Of the text of the script and of all of the library that it imports; None for what is no script."""
    if script.suffix != ".py" or not script.is_file():
        return None
    return digest_of([[path.name, path.read_text(encoding="utf-8")] for path in stage_code(script)])
