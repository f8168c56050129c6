"""Digests of what the result of a training depends on: files, the hands of a set, code."""

import ast
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

import simhand
from simhand.errors import DataError
from simhand.files.identity import digest_of, file_sha256
from simhand.mining.sets import keypoints_file, load_set
from simhand.stage_code import stage_code

LIBRARY = Path(simhand.__file__).parent

END_BYTES = 2**16
"""An Arrow file ends with the places of its parts, which move when any image changes."""


def file_digests(files: Mapping[str, Path | None]) -> dict[str, str]:
    """The digest of each file that there is, by its name.

    Raises:
        DataError: a file is missing.
    """
    return {name: file_sha256(_present(path)) for name, path in files.items() if path}


def hands_digests(run_dir: Path, set_file: Path) -> dict[str, str]:
    """Of the keypoints and the crops of a set, wherever the run folder lies.

    Raises:
        DataError: a file is missing.
    """
    crops = sorted(set(load_set(set_file, ["hand_id", "crop_file"])["crop_file"].to_pylist()))
    keypoints = [keypoints_file(run_dir, crop_file) for crop_file in crops]
    return {
        "keypoints": digest_of([file_sha256(_present(path)) for path in keypoints]),
        "crops": digest_of([[name, *_size_and_end(run_dir / name)] for name in crops]),
    }


def imported_code(modules: Iterable[str]) -> set[str]:
    """Files of the library, such as ``pretraining/step.py``, and all of the library that they import."""
    found = {path for name in modules for path in stage_code(LIBRARY / name, LIBRARY.parent)}
    return {path.relative_to(LIBRARY).as_posix() for path in found}


def code_digests(files: Iterable[str], named: Collection[str], packages: Collection[str]) -> dict[str, str]:
    """Of each of the library's ``files`` that is ``named`` or in one of ``packages``, by its name.

    Comments and docstrings do not count.
    """
    chosen = sorted(name for name in files if name in named or name.split("/")[0] in packages)
    return {name: digest_of(without_comments((LIBRARY / name).read_text("utf-8"))) for name in chosen}


def without_comments(source: str) -> str:
    """Python source without comments, docstrings and layout."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
            node.body = [each for each in node.body if not _is_text(each)] or [ast.Pass()]
    return ast.unparse(tree)


def _is_text(node: ast.stmt) -> bool:
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )


def _size_and_end(path: Path) -> list[Any]:
    size = _present(path).stat().st_size
    with path.open("rb") as file:
        file.seek(max(0, size - END_BYTES))
        return [size, digest_of(file.read().hex())]


def _present(path: Path) -> Path:
    if not path.is_file():
        raise DataError(f"no file {path}; run the stage that writes it")
    return path
