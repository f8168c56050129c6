"""What the result of a pre-training depends on: a checkpoint is continued only if all of it is the same."""

import ast
from pathlib import Path
from typing import Any

import simhand
from simhand.encoder_weights import imagenet_weights
from simhand.errors import DataError
from simhand.files.identity import digest_of, file_sha256
from simhand.mining.sets import keypoints_file, load_set
from simhand.settings.experiments import METHODS, PretrainExperiment
from simhand.settings.pretrain import PretrainSettings
from simhand.stage_code import stage_code

WITHOUT_EFFECT = {
    "device",
    "processes",
    "gradient_caching",
    "memory_mb",
    "checkpoint_minutes",
    "log_every_steps",
    "probe_hands",
    "tensorboard",
}
"""Settings that change where, how fast and how closely watched one trains, but not what comes out."""

COMPUTING = ("pretraining/step.py", "pretraining/schedule.py", "backbones.py")
"""With what they import of this package: all that the weights follow from."""

END_BYTES = 2**16
"""An Arrow file ends with the places of its parts, which move when any image changes."""


def run_identity(
    experiment: PretrainExperiment,
    settings: PretrainSettings,
    run_dir: Path,
    set_file: Path,
    pairs_file: Path | None,
) -> dict[str, Any]:
    """Experiment, settings, digests of the data and of the initial weights, and of the code that trains.

    Comments and docstrings of the code do not count, nor does what only watches and saves.

    Raises:
        DataError: a file is missing.
    """
    files = {"set": set_file, "pairs": pairs_file, "init": _initial_weights(experiment, settings)}
    crops = sorted(set(load_set(set_file, ["hand_id", "crop_file"])["crop_file"].to_pylist()))
    keypoints = [keypoints_file(run_dir, crop_file) for crop_file in crops]
    return {
        "experiment": experiment.model_dump(exclude={"name"}),
        "settings": settings.model_dump(exclude=WITHOUT_EFFECT),
        "files": {name: file_sha256(_present(path)) for name, path in files.items() if path},
        "keypoints": digest_of([file_sha256(_present(path)) for path in keypoints]),
        "crops": digest_of([[name, *_size_and_end(run_dir / name)] for name in crops]),
        "code": code_identity(experiment.method),
    }


def code_identity(method: str) -> dict[str, str]:
    """A digest of each file of this package that the weights follow from, by its name."""
    library, package = Path(simhand.__file__).parent, Path(__file__).parent
    named = {library / name for name in COMPUTING}
    found = {path for script in named for path in stage_code(script, library.parent)}
    found -= {package / f"methods/{name}.py" for name in METHODS}
    found |= set(stage_code(package / f"methods/{method}.py", library.parent))
    own = sorted(path for path in found if path in named or path.is_relative_to(package))
    return {
        path.relative_to(library).as_posix(): digest_of(without_comments(path.read_text("utf-8")))
        for path in own
    }


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


def _initial_weights(experiment: PretrainExperiment, settings: PretrainSettings) -> Path | None:
    if experiment.init == "random":
        return None
    return imagenet_weights(settings.encoder) if experiment.init == "imagenet" else Path(experiment.init)


def _size_and_end(path: Path) -> list[Any]:
    size = _present(path).stat().st_size
    with path.open("rb") as file:
        file.seek(max(0, size - END_BYTES))
        return [size, digest_of(file.read().hex())]


def _present(path: Path) -> Path:
    if not path.is_file():
        raise DataError(f"no file {path}; run the stage that writes it")
    return path
