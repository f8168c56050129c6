"""A full disk and a folder that cannot be written to, in words that tell what to do."""

import errno
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from simhand.errors import DataError, DiskFullError, SimhandError

FULL = {
    errno.ENOSPC: "no space is left",
    errno.EDQUOT: "the disk quota is used up",
    errno.EFBIG: "the file is larger than the file system or `ulimit -f` allows",
}
FORBIDDEN = (errno.EACCES, errno.EPERM, errno.EROFS)
UNITS = ("bytes", "kB", "MB", "GB", "TB")


@contextmanager
def explained_errors(path: Path, concerning: Path | None = None) -> Iterator[None]:
    """Tell in words what want of room or of rights means for ``path``, which is written in this block.

    Args:
        path: what the user knows it as.
        concerning: the file whose rights are in question, if the block may open others too.

    Raises:
        DiskFullError: instead of the system's error.
        DataError: instead of the system's error.
    """
    try:
        yield
    except OSError as error:
        explanation = _explanation(error, path)
        about_another = concerning is not None and concerning.name not in str(error)
        if explanation is None or (isinstance(explanation, DataError) and about_another):
            raise
        raise explanation from error


def in_units(size_bytes: float) -> str:
    """A size in words, such as ``1.5 GB``."""
    exponent = 0
    while size_bytes >= 1000 and exponent < len(UNITS) - 1:
        size_bytes, exponent = size_bytes / 1000, exponent + 1
    return f"{size_bytes:.3g} {UNITS[exponent]}"


def _explanation(error: OSError, path: Path) -> SimhandError | None:
    if error.errno in FULL:
        folder = _nearest_folder(path)
        usage = shutil.disk_usage(folder)
        return DiskFullError(
            f"{path} cannot be written: {FULL[error.errno]}. Its file system, {_mount_point(folder)}, has "
            f"{in_units(usage.free)} free of {in_units(usage.total)}. Make room there and run the same "
            "command again: what is finished is kept"
        )
    if error.errno in FORBIDDEN:
        return DataError(
            f"{path} cannot be written ({error.strerror}): make its folder writable, or choose another"
        )
    return None


def _nearest_folder(path: Path) -> Path:
    return next(folder for folder in path.absolute().parents if folder.is_dir())


def _mount_point(folder: Path) -> Path:
    return next(place for place in (folder, *folder.parents) if place.is_mount())
