"""A pre-training set and its pairs, as figures and pages look at them."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from simhand.files.tables import read_table
from simhand.mining.sets import Int64Array, hand_ids_of, rows_of

COLUMNS = ["hand_id", "video_id", "group_id", "source", "side", "crop_file", "crop_row"]


class RankedPairs(NamedTuple):
    """Some pairs; ``anchors`` and ``partners`` are rows of the set, all are (P,)."""

    anchors: Int64Array
    partners: Int64Array
    ranks: npt.NDArray[np.int32]
    distances: npt.NDArray[np.float64]

    def take(self, chosen: npt.NDArray[np.integer]) -> "RankedPairs":
        """The pairs at the places ``chosen``."""
        return RankedPairs(*(column[chosen] for column in self))


@dataclass(frozen=True)
class MinedSet:
    """The hands of a set (table ``set``) and its pairs (table ``pairs``, ascending by hand_id)."""

    name: str
    run_dir: Path
    hands: pa.Table
    pairs: pa.Table

    @classmethod
    def load(cls, run_dir: Path, name: str) -> "MinedSet":
        """Read sets/<name>.parquet and pairs/<name>.parquet."""
        hands = read_table(run_dir / "sets" / f"{name}.parquet", "set", COLUMNS)
        return cls(name, run_dir, hands, read_table(run_dir / "pairs" / f"{name}.parquet", "pairs"))

    @cached_property
    def groups(self) -> npt.NDArray[np.int32]:
        """The recording of each hand (N,), numbered from 0."""
        indices = self.hands["group_id"].combine_chunks().dictionary_encode().indices
        return np.asarray(indices.to_numpy(), np.int32)

    def ranks(self) -> list[int]:
        """The ranks that the pairs have, the most similar first."""
        return sorted(pc.unique(self.pairs["rank"]).to_pylist())

    def of_rank(self, rank: int) -> RankedPairs:
        """The pairs of one rank, the closest first; unknown distances (NaN) come last.

        Raises:
            DataError: the pairs name a hand that the set does not have.
        """
        found = self._ranked(self.pairs.filter(pc.equal(self.pairs["rank"], rank)))
        return found.take(np.argsort(found.distances, kind="stable"))

    def of_hand(self, row: int) -> RankedPairs:
        """All pairs of the hand in ``row`` of the set, ascending by rank."""
        return self.of_hands(np.array([row]))

    def of_hands(self, rows: npt.NDArray[np.integer]) -> RankedPairs:
        """All pairs of the hands in ``rows`` of the set, ascending by hand_id, then rank."""
        wanted = pa.array(hand_ids_of(self.hands)[rows])
        return self._ranked(self.pairs.filter(pc.is_in(self.pairs["hand_id"], wanted)))

    def every_pair(self) -> RankedPairs:
        """All pairs of all ranks, ascending by hand_id, then rank."""
        return self._ranked(self.pairs)

    def hand(self, row: int) -> dict[str, Any]:
        """A row of the set."""
        found: dict[str, Any] = self.hands.slice(row, 1).to_pylist()[0]
        return found

    def _ranked(self, pairs: pa.Table) -> RankedPairs:
        where, hand_ids = f"sets/{self.name}.parquet", hand_ids_of(self.hands)
        anchors = rows_of(hand_ids_of(pairs), hand_ids, where)
        partners = rows_of(hand_ids_of(pairs, "positive_hand_id"), hand_ids, where)
        return RankedPairs(anchors, partners, pairs["rank"].to_numpy(), pairs["distance"].to_numpy())
