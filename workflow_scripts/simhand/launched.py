"""What torchrun, or srun with a few variables more, tells a process that it starts together with others.

WORLD_SIZE decides: without it a process is alone, whatever else a SLURM job has set. Its number is RANK
(torchrun) or SLURM_PROCID (srun), its number on its node LOCAL_RANK or SLURM_LOCALID.
"""

import os

from simhand.errors import ConfigError


def launched_count() -> int:
    """How many processes were started together."""
    return _number("WORLD_SIZE") if "WORLD_SIZE" in os.environ else 1


def launched_rank() -> int:
    """The number of this process among them, from 0.

    Raises:
        ConfigError: WORLD_SIZE is set, and nothing says which process this is.
    """
    return _number("RANK", "SLURM_PROCID") if "WORLD_SIZE" in os.environ else 0


def is_first_launched() -> bool:
    """Whether this process is alone or number 0; what is wrong with its variables is for others to say."""
    number = os.environ.get("RANK", os.environ.get("SLURM_PROCID", "0"))
    return "WORLD_SIZE" not in os.environ or number == "0"


def launched_local_rank() -> int:
    """The number of this process among those on its node, from 0."""
    return _number("LOCAL_RANK", "SLURM_LOCALID") if "WORLD_SIZE" in os.environ else 0


def sharing_this_job() -> int:
    """How many processes share what this command was given: all on the node for torchrun, one for srun."""
    return int(os.environ.get("LOCAL_WORLD_SIZE", 1)) if "WORLD_SIZE" in os.environ else 1


def _number(*names: str) -> int:
    for name in names:
        if name in os.environ:
            try:
                return int(os.environ[name])
            except ValueError:
                raise ConfigError(f"{name} is {os.environ[name]!r}, expected a number") from None
    raise ConfigError(
        f"WORLD_SIZE is {os.environ['WORLD_SIZE']}, but none of {', '.join(names)} is set: start the "
        "processes with torchrun or srun, or unset WORLD_SIZE for a training in one process"
    )
