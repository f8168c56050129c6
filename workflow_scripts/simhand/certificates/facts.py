"""What a certificate says, as a person reads it."""

from collections.abc import Mapping
from typing import Any

DIGITS = 12
COMMIT_DIGITS = 10
MAIN_PACKAGES = ("torch", "numpy", "mediapipe", "pyarrow", "numba", "faiss-cpu")
UNKNOWN = "not known"


def commit(certificate: Mapping[str, Any]) -> str:
    """The commit that computed, and whether files differed from it."""
    found, changes = certificate["git_commit"], certificate["git_changes"]
    if not found:
        return UNKNOWN
    return f"{found[:COMMIT_DIGITS]}{f' with {len(changes)} local changes' if changes else ''}"


def hardware(certificate: Mapping[str, Any]) -> str:
    """Machine, processor, memory and GPU."""
    memory = certificate["memory_gb"]
    parts = [
        certificate["host"],
        certificate["processor"] or f"processor {UNKNOWN}",
        f"{certificate['cores']} cores",
        f"{memory:g} GB" if memory else f"memory {UNKNOWN}",
        certificate["gpu"] or "no GPU",
    ]
    return ", ".join(part for part in parts if part)


def when(certificate: Mapping[str, Any]) -> str:
    """When the result was finished, to the minute."""
    finished = certificate["finished"]
    return f"{finished[:10]} {finished[11:16]} UTC"


def wall_time(certificate: Mapping[str, Any]) -> str:
    """How long the stage took, and for a training that was interrupted, the training as a whole."""
    text = duration(certificate["wall_s"])
    trained = certificate["facts"].get("training_s")
    return f"{text} ({duration(trained)} of training, over all attempts)" if trained else text


def duration(seconds: float) -> str:
    """Seconds as a person says them."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d} min"


def software(certificate: Mapping[str, Any]) -> str:
    """Python and the main packages."""
    packages = certificate["packages"]
    named = [f"{name} {packages[name]}" for name in MAIN_PACKAGES if name in packages]
    return ", ".join([f"Python {certificate['python']}", *named])


def fingerprint(certificate: Mapping[str, Any]) -> str:
    """Digest of the recipe and of the content of the inputs."""
    return str(certificate["fingerprint"])[:DIGITS]
