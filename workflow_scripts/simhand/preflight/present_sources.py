"""The sources that are there: a preflight looks ahead with those, and names the others.

Runs in the driver too, so it needs neither NumPy nor pyarrow.
"""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from simhand.errors import SimhandError
from simhand.settings.sources import SourceSettings
from simhand.settings.world import WorldSettings
from simhand.videos.index import IndexedVideo, index_of_run

LOOKS_AHEAD = "SIMHAND_LOOKS_AHEAD"
"""Set for the dry run of a preflight, which goes on where a run would stop."""

TARGET = "preflight"
"""The target's name; another workflow that uses this one as a module may put something before it."""


def asks_to_look_ahead(words: Sequence[str], environment: Mapping[str, str]) -> bool:
    """Whether Snakemake is asked for nothing but a preflight, or works for one.

    Targets follow ``--`` on its command line (``words``) if that is there; else any word may be one.
    """
    if LOOKS_AHEAD in environment:
        return True
    if "--" in words:
        targets = words[words.index("--") + 1 :]
        return bool(targets) and all(word.endswith(TARGET) for word in targets)
    return any(re.fullmatch(rf"\w*{TARGET}", word) for word in words)


def index_of_present(
    path: Path, sources: Mapping[str, SourceSettings], shard_size: int, world: WorldSettings
) -> tuple[list[IndexedVideo], dict[str, str]]:
    """The index of a run without the sources that cannot be listed, and what is wrong with those, by name.

    Raises:
        DataError, ConfigError: as :func:`index_of_run`, of what is no single source's fault.
    """
    try:
        return index_of_run(path, sources, shard_size, world), {}
    except SimhandError:
        absent = {}
    for name, source in sources.items():
        try:
            index_of_run(path, {name: source}, shard_size, world)
        except SimhandError as error:
            absent[name] = str(error)
    present = {name: source for name, source in sources.items() if name not in absent}
    return index_of_run(path, present, shard_size, world), absent
