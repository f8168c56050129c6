"""What the result of a pre-training depends on: a checkpoint is continued only if all of it is the same."""

import json
from pathlib import Path
from typing import Any

from simhand.encoder_weights import initial_weights
from simhand.settings.experiments import METHODS, PretrainExperiment
from simhand.settings.pretrain import PretrainSettings
from simhand.training_runs.digests import code_digests, file_digests, hands_digests, imported_code

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
        "settings": json.loads(settings.effective_json()),
        "files": file_digests({"set": set_file, "pairs": pairs_file, "init": init}),
        **hands_digests(run_dir, set_file),
        "code": code_identity(experiment.method),
    }


def code_identity(method: str) -> dict[str, str]:
    """A digest of each file of this package that the weights follow from, by its name."""
    found = imported_code(COMPUTING) - {f"pretraining/methods/{name}.py" for name in METHODS}
    found |= imported_code([f"pretraining/methods/{method}.py"])
    return code_digests(found, COMPUTING, ("pretraining",))
