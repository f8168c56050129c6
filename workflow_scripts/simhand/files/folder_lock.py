"""One process at a time works in a folder, whichever machine it runs on."""

import fcntl
import logging
import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

LOCK = "lock"

log = logging.getLogger("simhand")


@contextmanager
def locked_folder(folder: Path) -> Iterator[None]:
    """Make ``folder`` and hold its lock, waiting for whoever holds it; remove it afterwards if it is empty.

    The system lets the lock go when the process ends, however it ends. Where the file system has no locks
    (Lustre mounted without ``flock``), the log says so and the caller goes on without one.
    """
    descriptor = _hold(folder)
    try:
        yield
    finally:
        # in this order, as NFS keeps a removed file under another name while it is open
        (folder / LOCK).unlink(missing_ok=True)
        os.close(descriptor)
        with suppress(OSError):
            folder.rmdir()


def _hold(folder: Path) -> int:
    while True:
        folder.mkdir(parents=True, exist_ok=True)
        try:
            descriptor = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o666)
        except FileNotFoundError:
            continue
        _wait_for(descriptor, folder)
        if _is_still_there(descriptor, folder / LOCK):
            os.truncate(descriptor, 0)
            os.write(descriptor, f"process {os.getpid()} on {platform.node()}".encode())
            return descriptor
        os.close(descriptor)


def _wait_for(descriptor: int, folder: Path) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.pread(descriptor, 200, 0).decode() or "another process"
        log.warning("%s is at work in %s; waiting until it ends", holder, folder)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
    except OSError as error:
        log.warning("%s cannot be locked (%s): see that no other job works on it", folder, error.strerror)


def _is_still_there(descriptor: int, path: Path) -> bool:
    """Whoever held the lock before may have removed its file."""
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False
