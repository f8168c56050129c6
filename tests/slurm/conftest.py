"""The cluster that the tests of this folder share, and folders of their own in which they use it."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from cluster import Cluster, missing, running_cluster
from submitted import Finetuning, Pretraining, Workplace


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A running SLURM; skipped, with the reason, where there can be none."""
    if reason := missing():
        pytest.skip(reason)
    with running_cluster(tmp_path_factory.mktemp("slurm") / "cluster") as started:
        yield started


@pytest.fixture
def made() -> Iterator[list[Workplace]]:
    """The folders that a test works in; their drivers and jobs end with the test."""
    folders: list[Workplace] = []
    yield folders
    for folder in folders:
        folder.close()


@pytest.fixture
def workplace(cluster: Cluster, tmp_path: Path, made: list[Workplace]) -> Callable[..., Workplace]:
    """Makes a folder for drivers, with a config."""

    def make(config: dict[str, Any], name: str = "work") -> Workplace:
        (tmp_path / name).mkdir()
        made.append(Workplace(tmp_path / name, cluster, config))
        return made[-1]

    return make


@pytest.fixture
def pretraining(cluster: Cluster, tmp_path: Path, made: list[Workplace]) -> Callable[..., Pretraining]:
    """Makes a folder in which only the pre-training is left."""

    def make(**options: Any) -> Pretraining:
        training = Pretraining(tmp_path, cluster, **options)
        made.append(training)
        return training

    return make


@pytest.fixture
def finetuning(cluster: Cluster, tmp_path: Path, made: list[Workplace]) -> Finetuning:
    """A folder in which only the fine-tuning is left."""
    training = Finetuning(tmp_path, cluster)
    made.append(training)
    return training
