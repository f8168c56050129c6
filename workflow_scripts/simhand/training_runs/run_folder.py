"""The folder of a training that no workflow manager knows of, so that it outlives the jobs that train in it.

    run/
        lock.json           held by the trainer at work
        <identity>/         one training; its name is a digest of all that its result depends on
            identity.json   all that, in words
            history.jsonl   how it went so far
            checkpoints/

A training is only ever continued from checkpoints of its own identity. One of another identity is left
aside, in case its settings come back; one such is kept, the last one used.
"""

import json
import logging
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from simhand.files.atomic import remove, write_text
from simhand.files.disk_space import explained_errors
from simhand.files.identity import digest_of
from simhand.text import listed
from simhand.training_runs.checkpoint_files import CheckpointFiles
from simhand.training_runs.heartbeat_lock import HEARTBEAT_S, HeartbeatLock, heartbeat_lock

IDENTITY = "identity.json"
DIGITS = 12
NAMED = 8
"""How many differences a message lists."""

log = logging.getLogger("simhand")


@dataclass(frozen=True)
class TrainingRun:
    """The folder of one training, and the lock that its writer holds (None in processes that only read)."""

    folder: Path
    checkpoints: CheckpointFiles
    lock: HeartbeatLock | None

    @property
    def history(self) -> Path:
        """The history as far as it goes."""
        return self.folder / "history.jsonl"


@contextmanager
def open_run(
    root: Path, identity: Mapping[str, Any], writes: bool = True, heartbeat_s: float = HEARTBEAT_S
) -> Iterator[TrainingRun]:
    """The folder for a training of ``identity`` below ``root``, made if there is none yet.

    Args:
        root: the folder ``run``.
        identity: what the result depends on, as JSON can hold it.
        writes: whether this process is the one that holds the lock and writes, of those that train together.
        heartbeat_s: of the lock.

    Raises:
        BusyError: another trainer is at work below ``root``.
        DataError: the folder cannot be written to.
    """
    identity = json.loads(json.dumps(identity, sort_keys=True))
    folder = root / digest_of(identity)[:DIGITS]
    checkpoints = CheckpointFiles(folder / "checkpoints")
    if not writes:
        yield TrainingRun(folder, checkpoints, None)
        return
    with explained_errors(root):
        root.mkdir(parents=True, exist_ok=True)
    with heartbeat_lock(root / "lock.json", heartbeat_s) as lock:
        others = _others(root, folder)
        if not (folder / IDENTITY).is_file():
            if others:
                _say_what_differs(others[0], identity)
            write_text(folder / IDENTITY, json.dumps(identity, indent=1) + "\n")
        os.utime(folder / IDENTITY)
        for left in [*others[1:], *_left_half_done(folder)]:
            log.info("removed %s", left)
            remove(left)
        yield TrainingRun(folder, checkpoints, lock)


def differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """What is not the same in two identities, key by key, such as ``settings.epochs: 10, now 20``."""
    old, new = _flat(before), _flat(now)
    changed = [key for key in old | new if key not in old or key not in new or old[key] != new[key]]
    return [f"{key}: {_shown(old, key)}, now {_shown(new, key)}" for key in changed]


def _say_what_differs(other: Path, identity: Mapping[str, Any]) -> None:
    found = differences(json.loads((other / IDENTITY).read_text(encoding="utf-8")), identity)
    log.warning(
        "training begins anew: %s was of something else (%s). It is kept for now, and continued if all that"
        " is as before",
        other,
        listed(found, NAMED, "; "),
    )


def _others(root: Path, folder: Path) -> list[Path]:
    """The folders of other trainings, the last one used first."""
    found = [path for path in root.glob(f"*/{IDENTITY}") if path.parent != folder]
    return [path.parent for path in sorted(found, key=lambda path: path.stat().st_mtime, reverse=True)]


def _left_half_done(folder: Path) -> list[Path]:
    """What killed trainers, here or on other machines, were writing."""
    return list(folder.rglob(".*.partial*"))


def _flat(identity: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in identity.items():
        found |= _flat(value, f"{prefix}{key}.") if isinstance(value, dict) else {f"{prefix}{key}": value}
    return found


def _shown(flat: Mapping[str, Any], key: str) -> str:
    text = json.dumps(flat[key]) if key in flat else "absent"
    return text if len(text) <= 40 else f"{text[:36]} ..."
