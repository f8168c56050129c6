"""The mined set of a run that photos are compared with."""

import json
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from simhand.errors import ConfigError, DataError
from simhand.mining.embedding import PoseEmbedding
from simhand.mining.pairs import EmbeddedHands, embed_hands
from simhand.mining.sets import load_keypoints
from simhand.query.found_with import FoundWith
from simhand.report.mined_set import MinedSet

FOUND_WITH = "found_with"


@dataclass(frozen=True)
class QueriedSet:
    """A mined set, its pose embedding and its hands there.

    Attributes:
        found_with: how its hands were found; None if they were imported.
    """

    mined: MinedSet
    embedding: PoseEmbedding
    hands: EmbeddedHands
    found_with: FoundWith | None


def set_to_query(run_dir: Path, name: str | None) -> str:
    """``name`` if the run has mined it, or the only set it has mined if that is None.

    Raises:
        DataError: there is no such run, or it has no pairs yet.
        ConfigError: it has no such set, or several and none is named.
    """
    if not run_dir.is_dir():
        raise DataError(f"there is no run at {run_dir}; name the folder of a run, such as results/demo")
    mined = sorted(path.stem for path in (run_dir / "pairs").glob("[!.]*.parquet"))
    if not mined:
        raise DataError(f"{run_dir} has no mined pairs yet; run `snakemake pairs` with its configuration")
    if name is None and len(mined) > 1:
        raise ConfigError(f"{run_dir} has several mined sets: {', '.join(mined)}; name one of them")
    if name is not None and name not in mined:
        sampled = (run_dir / "sets" / f"{name}.parquet").exists()
        problem = "is not mined yet: run `snakemake pairs`" if sampled else "is not a set of this run"
        raise ConfigError(f"{name} {problem}; the mined sets of {run_dir}: {', '.join(mined)}")
    return name or mined[0]


def load_queried_set(run_dir: Path, name: str) -> QueriedSet:
    """Read a set, its pose embedding as fitted in the run, and the keypoints of all of its hands.

    Raises:
        DataError: a file is missing or damaged, or from before it was noted how hands were found.
    """
    embedding = PoseEmbedding.load(run_dir / "pca" / f"{name}.npz")
    found_with = _found_with(run_dir / "pca" / f"{name}.json")
    mined = MinedSet.load(run_dir, name)
    hands = embed_hands(mined.hands, load_keypoints(run_dir, mined.hands), embedding)
    return QueriedSet(mined, embedding, hands, found_with)


def _found_with(path: Path) -> FoundWith | None:
    try:
        noted = json.loads(path.read_text(encoding="utf-8"))[FOUND_WITH]
        return None if noted is None else FoundWith.model_validate(noted)
    except (OSError, ValueError, KeyError, TypeError, ValidationError) as error:
        raise DataError(
            f"{path} does not tell how the hands of its set were found ({type(error).__name__}: {error}); "
            "run fit_pca again"
        ) from error
