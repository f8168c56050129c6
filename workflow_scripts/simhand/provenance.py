"""Where numbers come from: the commit, the packages, the machine and the configuration."""

import hashlib
import json
import os
import platform
import subprocess
import sys
from datetime import UTC, datetime
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[2]
BYTES_PER_GB = 1e9


def provenance(config: dict[str, Any], repository: Path) -> dict[str, Any]:
    """Facts about this run as a JSON-ready dict; what cannot be found out is null, never guessed."""
    text = json.dumps(config, sort_keys=True)
    return {
        **code_and_machine(repository),
        "config_sha256": hashlib.sha256(text.encode()).hexdigest(),
        "config": config,
    }


def code_and_machine(repository: Path = REPOSITORY) -> dict[str, Any]:
    """Time, commit, packages and machine of what is computed here and now, JSON-ready; unknown is null."""
    return {
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "git_commit": _git(repository, "rev-parse", "HEAD"),
        "git_changes": _changes(repository),
        "python": platform.python_version(),
        "packages": {
            found.name: found.version for found in sorted(distributions(), key=lambda d: d.name.lower())
        },
        "host": platform.node(),
        "system": platform.platform(),
        "processor": _processor(),
        "cores": os.cpu_count(),
        "memory_gb": _memory_gb(),
        "gpu": _gpu(),
    }


def _git(repository: Path, *arguments: str) -> str | None:
    try:
        found = subprocess.run(
            ["git", *arguments], cwd=repository, capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    return found.stdout.strip()


def _changes(repository: Path) -> list[str] | None:
    """Files that differ from the commit; an empty list means that the commit alone tells the code."""
    status = _git(repository, "status", "--porcelain")
    return None if status is None else status.splitlines()


def _processor() -> str | None:
    if sys.platform == "linux":
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or None


def _memory_gb() -> float | None:
    """Memory of the machine; a job may have been given less."""
    try:
        return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / BYTES_PER_GB, 1)
    except (OSError, ValueError):
        return None


def _gpu() -> str | None:
    try:
        found = subprocess.run(
            ["nvidia-smi", "--query-gpu=name,driver_version", "--format=csv,noheader"],
            capture_output=True,
            text=True,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    return "; ".join(found.stdout.split("\n")).strip("; ") or None
