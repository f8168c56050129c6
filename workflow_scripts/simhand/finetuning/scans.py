"""What was read from a data set's many label files, kept in one file so that it is read once.

A kept scan counts only if it carries the fingerprint of what it was made from: names, sizes and times of the
files as they are now, and the code that reads them. It appears whole or not at all.
"""

import hashlib
import logging
import os
import zipfile
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from simhand.files.atomic import atomic_path
from simhand.files.folder_lock import locked_folder

log = logging.getLogger("simhand")

Arrays = dict[str, NDArray[Any]]
Item = TypeVar("Item")
Result = TypeVar("Result")

_FINGERPRINT = "fingerprint"
_LOGGED_PARTS = 10
_LOGGED_FROM = 100


class FileState(NamedTuple):
    """Size and time of the last change."""

    bytes: int
    modified_ns: int


@dataclass(frozen=True)
class Scans:
    """Where scans are kept (None: nowhere) and how many threads read."""

    folder: Path | None
    threads: int

    def load(self, name: str, root: Path, fingerprint: str, scan: Callable[[], Arrays]) -> Arrays:
        """The arrays of ``scan``: kept ones if they carry ``fingerprint``, else scanned now and kept.

        Of jobs that find none at the same time one scans, and the others wait for it.

        Args:
            name: what is scanned, such as ``dexycb-s1-train``.
            root: the data set's folder; scans of other folders have other files.
            fingerprint: changes with everything that the arrays depend on.
            scan: reads the data set.
        """
        if self.folder is None:
            return scan()
        where = hashlib.sha256(str(root.absolute()).encode()).hexdigest()[:8]
        path = self.folder / f"{name}-{where}.npz"
        kept = _read(path, fingerprint)
        if kept is None:
            with locked_folder(path.with_suffix(".scanning")):
                kept = _read(path, fingerprint, tell=True)
                if kept is None:
                    return _scan_and_keep(path, name, fingerprint, scan)
        log.info("%s: nothing has changed since the scan kept in %s", name, path)
        return kept


def _scan_and_keep(path: Path, name: str, fingerprint: str, scan: Callable[[], Arrays]) -> Arrays:
    log.info("%s: scanning", name)
    arrays = scan()
    with atomic_path(path) as partial:
        np.savez(partial, **{_FINGERPRINT: np.array(fingerprint)}, **arrays)
    log.info("%s: scan kept in %s", name, path)
    return arrays


def _read(path: Path, fingerprint: str, tell: bool = False) -> Arrays | None:
    """The arrays of a kept scan, or None where there is none, it is damaged, or of something else.

    With ``tell`` the log says why one that is there does not count.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            if _FINGERPRINT not in file.files or str(file[_FINGERPRINT]) != fingerprint:
                if tell:
                    log.info("%s is of other files or other code: scanning anew", path)
                return None
            return {name: file[name] for name in file.files if name != _FINGERPRINT}
    except FileNotFoundError:
        return None
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        if tell:
            log.warning("%s cannot be read (%s): scanning anew", path, error)
        return None


def fingerprint(code: Iterable[str], files: dict[str, FileState], *others: str) -> str:
    """A digest of source files (their ``__file__``), of data files by name, and of other texts."""
    digest = hashlib.sha256()
    for source in code:
        digest.update(Path(source).read_bytes())
    for name in sorted(files):
        digest.update(f"{name}\0{files[name].bytes}\0{files[name].modified_ns}\n".encode())
    for other in others:
        digest.update(f"\0{other}".encode())
    return digest.hexdigest()


def file_state(path: Path) -> FileState:
    """The state of one file."""
    found = path.stat()
    return FileState(found.st_size, found.st_mtime_ns)


def list_folder(folder: Path) -> dict[str, FileState]:
    """The files of a folder by name; empty if there is no such folder."""
    try:
        with os.scandir(folder) as entries:
            return {
                entry.name: FileState(entry.stat().st_size, entry.stat().st_mtime_ns)
                for entry in entries
                if entry.is_file()
            }
    except (FileNotFoundError, NotADirectoryError):
        return {}


def in_threads(
    work: Callable[[Item], Result], items: Sequence[Item], threads: int, what: str
) -> list[Result]:
    """``work`` of each item, in order; of many items it says every tenth of the way how far it is."""
    results = []
    step = max(len(items) // _LOGGED_PARTS, 1)
    with ThreadPoolExecutor(max(threads, 1)) as pool:
        for done, result in enumerate(pool.map(work, items), start=1):
            results.append(result)
            if done % step == 0 and len(items) >= _LOGGED_FROM:
                log.info("%s: %d of %d", what, done, len(items))
    return results
