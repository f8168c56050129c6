"""Which library files a stage's script imports: the DAG re-runs a stage when one of them changes."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path


def stage_code(script: Path, root: Path | None = None) -> list[Path]:
    """The script and every file of the library that it imports, directly or not, sorted.

    Imports are read from the source text, so nothing is executed and a stage's environment is not
    needed. Only absolute imports are used in this library. Where a module is chosen by its name while it
    runs, ``importlib.import_module(f"library.package.{name}")``, every module of that package counts.

    Args:
        script: a script, or a module of the library.
        root: the folder in which the library's package lies; without it the folder of ``script``.
    """
    root = root or script.parent
    found: set[Path] = set()
    pending = [script]
    while pending:
        path = pending.pop()
        if path not in found:
            found.add(path)
            pending += _imported_files(path, root)
    return [script, *sorted(found - {script})]


@cache
def _imported_files(path: Path, root: Path) -> tuple[Path, ...]:
    return tuple(_find_imported(path, root))


def _find_imported(path: Path, root: Path) -> Iterator[Path]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif package := _chosen_from(node):
            folder = root.joinpath(*package.split("."))
            names = [f"{package}.{path.stem}" for path in sorted(folder.glob("*.py"))]
        else:
            continue
        for name in names:
            yield from _files_of(name, root)


def _chosen_from(node: ast.AST) -> str | None:
    """The package of which ``node`` imports a module by name, if it is such a call."""
    match node:
        case ast.Call(
            func=ast.Attribute(value=ast.Name("importlib"), attr="import_module"),
            args=[ast.JoinedStr([ast.Constant(str(prefix)), ast.FormattedValue()])],
        ) if prefix.endswith("."):
            return prefix.removesuffix(".")
    return None


def _files_of(name: str, root: Path) -> Iterator[Path]:
    """The module file of dotted ``name`` and the ``__init__.py`` of every package on the way to it."""
    parts = name.split(".")
    folder = root
    for part in parts:
        if (module := folder / f"{part}.py").is_file():
            yield module
            return
        folder = folder / part
        if (package := folder / "__init__.py").is_file():
            yield package
        elif not folder.is_dir():
            return
