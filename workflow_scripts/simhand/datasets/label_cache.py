"""What was read from a data set's many label files, kept in one file so that it is read once.

What is kept counts only if it carries the fingerprint of what it was made from: names, sizes and times of the
files as they are now, and the code that reads them. It appears whole or not at all.
"""

import hashlib
import logging
import zipfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simhand.datasets.label_files import FileState
from simhand.files.atomic import atomic_path
from simhand.files.folder_lock import locked_folder

log = logging.getLogger("simhand")

Arrays = dict[str, NDArray[Any]]

_FINGERPRINT = "fingerprint"


@dataclass(frozen=True)
class LabelCache:
    """Where labels are kept (None: nowhere) and how many threads read."""

    folder: Path | None
    threads: int

    def load(self, name: str, root: Path, fingerprint: str, read: Callable[[], Arrays]) -> Arrays:
        """The arrays of ``read``: kept ones if they carry ``fingerprint``, else read now and kept.

        Of jobs that find none at the same time one reads, and the others wait for it.

        Args:
            name: what is read, such as ``dexycb-s1-train``.
            root: the data set's folder; labels of other folders have other files.
            fingerprint: changes with everything that the arrays depend on.
            read: reads the data set.
        """
        if self.folder is None:
            return read()
        where = hashlib.sha256(str(root.absolute()).encode()).hexdigest()[:8]
        path = self.folder / f"{name}-{where}.npz"
        kept = _load_kept(path, fingerprint)
        if kept is None:
            with locked_folder(path.with_suffix(".scanning")):
                kept = _load_kept(path, fingerprint, tell=True)
                if kept is None:
                    return _read_and_keep(path, name, fingerprint, read)
        log.info("%s: nothing has changed since the labels kept in %s", name, path)
        return kept


def _read_and_keep(path: Path, name: str, fingerprint: str, read: Callable[[], Arrays]) -> Arrays:
    log.info("%s: reading all labels", name)
    arrays = read()
    with atomic_path(path) as partial:
        np.savez(partial, **{_FINGERPRINT: np.array(fingerprint)}, **arrays)
    log.info("%s: labels kept in %s", name, path)
    return arrays


def _load_kept(path: Path, fingerprint: str, tell: bool = False) -> Arrays | None:
    """The arrays of ``path``, or None where it is not there, is damaged, or of something else.

    With ``tell`` the log says why one that is there does not count.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            if _FINGERPRINT not in file.files or str(file[_FINGERPRINT]) != fingerprint:
                if tell:
                    log.info("%s is of other files or other code: reading anew", path)
                return None
            return {name: file[name] for name in file.files if name != _FINGERPRINT}
    except FileNotFoundError:
        return None
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        if tell:
            log.warning("%s cannot be read (%s): reading anew", path, error)
        return None


def fingerprint(code: Iterable[str], files: dict[str, FileState]) -> str:
    """A digest of source files (their ``__file__``) and of data files by name."""
    digest = hashlib.sha256()
    for source in code:
        digest.update(Path(source).read_bytes())
    for name in sorted(files):
        digest.update(f"{name}\0{files[name].bytes}\0{files[name].modified_ns}\n".encode())
    return digest.hexdigest()
