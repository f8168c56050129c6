"""The facts of provenance.json as a reader wants them."""

from typing import Any

COMMIT_LENGTH = 10
MAIN_PACKAGES = (
    "torch",
    "torchvision",
    "mediapipe",
    "numpy",
    "scikit-learn",
    "pyarrow",
    "opencv-python-headless",
)
UNKNOWN = "not known"


def headline(provenance: dict[str, Any]) -> str:
    """When, what and where in one line."""
    facts = [when(provenance), f"commit {commit(provenance)}"]
    if host := provenance.get("host"):
        facts.append(f"on {host}")
    if preset := (provenance.get("config") or {}).get("preset"):
        facts.append(f"preset {preset}")
    return " · ".join(facts)


def origin(provenance: dict[str, Any]) -> dict[str, str]:
    """What is shown of the provenance, by its name on the page."""
    packages = provenance.get("packages") or {}
    processor, cores = provenance.get("processor"), provenance.get("cores")
    facts = {
        "Written down": when(provenance),
        "Commit": commit(provenance, length=None),
        "Machine": ", ".join(filter(None, (provenance.get("host"), provenance.get("system")))),
        "Processor": ", ".join(filter(None, (processor, f"{cores} cores" if cores else None))),
        "GPU": provenance.get("gpu") or "none",
        "Python": provenance.get("python"),
        "Main packages": ", ".join(f"{name} {packages[name]}" for name in MAIN_PACKAGES if name in packages),
        "Configuration": f"SHA-256 {found}" if (found := provenance.get("config_sha256")) else None,
    }
    return {name: str(value) for name, value in facts.items() if value}


def when(provenance: dict[str, Any]) -> str:
    """The time of the record, to the minute, in UTC."""
    created = provenance.get("created")
    return f"{created[:10]} {created[11:16]} UTC" if created else f"time {UNKNOWN}"


def commit(provenance: dict[str, Any], length: int | None = COMMIT_LENGTH) -> str:
    """The commit, and whether files differ from it."""
    found = provenance.get("git_commit")
    if not found:
        return UNKNOWN
    changed = " with local changes" if provenance.get("git_changes") else ""
    return f"{found[:length]}{changed}"
