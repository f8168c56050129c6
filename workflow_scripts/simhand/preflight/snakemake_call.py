"""How Snakemake was called, as it tells a preflight, which plans the same run again."""

import json
from dataclasses import dataclass, field


@dataclass(frozen=True)
class SnakemakeCall:
    """What `rules/preflight.smk` reads from Snakemake itself, so that profiles count like options.

    Attributes:
        command: the program, which need not be the ``snakemake`` on PATH.
        folder: where the user called it; relative options are meant from there.
        options: its options, without targets.
        targets: those to look ahead to.
        cores: None where no number was given, as on a cluster.
        retries: how often a job that fails is tried again.
        executor: such as local or slurm.
        submit_options: those that SLURM's jobs are submitted with whatever their rule asks for.
        deployment: the ways in which jobs get their software, such as conda; none if they take what is here.
        prefix: of the names of our rules, where another workflow uses this one as a module.
    """

    command: list[str]
    folder: str
    options: list[str]
    targets: list[str]
    cores: int | None = None
    retries: int = 0
    executor: str = "local"
    submit_options: list[str] = field(default_factory=list)
    deployment: list[str] = field(default_factory=list)
    prefix: str = ""


def read_call(text: str) -> SnakemakeCall:
    """The call from JSON."""
    return SnakemakeCall(**json.loads(text))
