"""What a result depends on, as a digest: equal digests mean equal results."""

import hashlib
import json
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import simhand
from simhand.stage_code import stage_code

PACKAGES = (
    "av",
    "imageio-ffmpeg",
    "mediapipe",
    "numpy",
    "opencv-python-headless",
    "pyarrow",
    "torch",
    "torchvision",
)
"""Packages whose version can change a frame, a crop or a keypoint."""


def digest_of(*content: Any) -> str:
    """32 hexadecimal digits for anything that JSON can hold."""
    return hashlib.blake2b(json.dumps(content).encode(), digest_size=16).hexdigest()


def code_identity(module: Path) -> str:
    """Of a module of the library, all of the library that it imports, and the packages behind it."""
    root = Path(simhand.__file__).parents[1]
    texts = [[path.name, path.read_text(encoding="utf-8")] for path in stage_code(module, root)]
    return digest_of(texts, [_version(name) for name in PACKAGES])


def file_identity(path: Path | str) -> list[Any]:
    """Path, and size and time of change of the file or of each file in the folder, or why there is none."""
    path = Path(path)
    try:
        files = sorted(path.iterdir()) if path.is_dir() else [path]
        return [str(path), [[file.name, *_size_and_time(file)] for file in files]]
    except OSError as error:
        return [str(path), error.strerror]


def file_sha256(path: Path) -> str:
    """SHA-256 of a file's bytes, hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def size_bytes(path: Path | str) -> int:
    """Size of a file, or of the files in a folder; 0 if it is not there."""
    *_, content = file_identity(path)
    return sum(size for _, size, _ in content) if isinstance(content, list) else 0


def _size_and_time(path: Path) -> tuple[int, int]:
    found = path.stat()
    return found.st_size, found.st_mtime_ns


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
