"""What the result of a pre-training depends on: a checkpoint is continued only if all of it is the same."""

from pathlib import Path
from typing import Any

import simhand
from simhand.encoder_weights import initial_weights
from simhand.settings.experiments import METHODS, PretrainExperiment
from simhand.settings.pretrain import PretrainSettings
from simhand.stage_code import stage_code
from simhand.training_runs.digests import code_digests, file_digests, hands_digests

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
    init = initial_weights(experiment.init, settings.encoder)
    return {
        "experiment": experiment.model_dump(exclude={"name"}),
        "settings": settings.model_dump(exclude=WITHOUT_EFFECT),
        "files": file_digests({"set": set_file, "pairs": pairs_file, "init": init}),
        **hands_digests(run_dir, set_file),
        "code": code_identity(experiment.method),
    }


def code_identity(method: str) -> dict[str, str]:
    """A digest of each file of this package that the weights follow from, by its name."""
    library, package = Path(simhand.__file__).parent, Path(__file__).parent
    named = {library / name for name in COMPUTING}
    found = {path for script in named for path in stage_code(script, library.parent)}
    found -= {package / f"methods/{name}.py" for name in METHODS}
    found |= set(stage_code(package / f"methods/{method}.py", library.parent))
    return code_digests((path for path in found if path in named or path.is_relative_to(package)), library)
