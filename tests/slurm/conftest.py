"""The cluster that the tests of this folder share, and folders of their own in which they use it."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from cluster import Cluster, missing, running_cluster
from submitted import Training, Workplace


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A running SLURM; skipped, with the reason, where there can be none."""
    if reason := missing():
        pytest.skip(reason)
    with running_cluster(tmp_path_factory.mktemp("slurm") / "cluster") as started:
        yield started


@pytest.fixture
def workplace(cluster: Cluster, tmp_path: Path) -> Iterator[Callable[[dict[str, Any]], Workplace]]:
    """Makes a folder for drivers; they and their jobs end with the test."""
    made: list[Workplace] = []

    def make(config: dict[str, Any]) -> Workplace:
        made.append(Workplace(tmp_path, cluster, config))
        return made[-1]

    yield make
    for workplace in made:
        workplace.close()


@pytest.fixture
def training(cluster: Cluster, tmp_path: Path) -> Iterator[Callable[..., Training]]:
    """Makes a folder in which only the pre-training is left; drivers and jobs end with the test."""
    made: list[Training] = []

    def make(**options: Any) -> Training:
        made.append(Training(tmp_path, cluster, **options))
        return made[-1]

    yield make
    for workplace in made:
        workplace.close()
