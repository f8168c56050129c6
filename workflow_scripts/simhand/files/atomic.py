"""Files and folders that appear whole or not at all."""

import os
import platform
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from simhand.files.disk_space import explained_errors


@contextmanager
def atomic_path(path: Path | str) -> Iterator[Path]:
    """Yield a temporary sibling of ``path`` to write to; move it into place when the block ends well.

    The temporary name keeps the suffix (writers that look at it work), starts with a dot, and names the
    machine and the process. If the block raises, the temporary file or folder is removed and whatever
    stood at ``path`` is untouched. What a killed process of this machine left is removed first. Data are
    on the disk before the name is, so that not even a power cut shows half a file.

    Raises:
        DiskFullError: no room for it.
        DataError: its folder cannot be written to.
    """
    path = Path(path)
    partial = path.with_name(f".{path.stem}.{platform.node()}-{os.getpid()}.partial{path.suffix}")
    with explained_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        _remove_what_the_dead_left(path)
    try:
        with explained_errors(path, concerning=partial):
            yield partial
            _to_disk(partial)
        with explained_errors(path):
            if partial.is_dir():
                remove(path)
            os.replace(partial, path)
    except BaseException:
        remove(partial)
        raise


def write_text(path: Path | str, text: str) -> None:
    """Write ``text`` to ``path`` as UTF-8, atomically."""
    with atomic_path(path) as partial:
        partial.write_text(text, encoding="utf-8")


def write_bytes(path: Path | str, data: bytes | memoryview) -> None:
    """Write ``data`` to ``path``, atomically."""
    with atomic_path(path) as partial:
        partial.write_bytes(data)


def remove(path: Path) -> None:
    """Remove a file or folder, if it is there."""
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def process_lives(process: int) -> bool:
    """Whether a process of this machine has not ended yet."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _remove_what_the_dead_left(path: Path) -> None:
    """Temporary siblings of ``path`` whose process on this machine has ended."""
    start, end = re.escape(f".{path.stem}.{platform.node()}-"), re.escape(f".partial{path.suffix}")
    for name in os.listdir(path.parent):
        found = re.fullmatch(rf"{start}(\d+){end}", name)
        if found and not process_lives(int(found[1])):
            remove(path.parent / name)


def _to_disk(path: Path) -> None:
    """Wait until what was written is on the disk; some file systems say only now that it is full."""
    for file in [path] if path.is_file() else (each for each in path.rglob("*") if each.is_file()):
        descriptor = os.open(file, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
