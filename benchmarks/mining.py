"""What exact mining costs, beside other ways to find the nearest hands of other recordings.

    python benchmarks/mining.py                                  # 2 million rendered hands, K = 1, all parts
    python benchmarks/mining.py --deepest 16 --parts tree ckdtree
    python benchmarks/mining.py --data gaussian --hands 200000 --parts tree check

From the root of the checkout; replaces the rows of benchmarks/mining.csv that it measures again. Only the
tree, the whole stage and torch search for all hands; the others search for a part of them, in blocks of
neighbours, and `seconds_for_all` is extrapolated from it (`searched` < `hands` says so).
"""

import argparse
import csv
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "workflow_scripts"))

import faiss
import numpy as np
import pyarrow as pa
import torch
from articulated_recordings import Recordings, sample_recordings
from scipy.spatial import cKDTree
from scipy.spatial.distance import cdist

from simhand.files.tables import write_table
from simhand.mining.pca import fit_embedding
from simhand.mining.search import Neighbours, Search, exact_distances
from simhand.mining.torch_search import search_by_torch
from simhand.mining.tree import kd_order
from simhand.mining.tree_search import search_by_tree
from simhand.settings.pca import PcaSettings

SCRIPTS = Path(__file__).resolve().parents[1] / "workflow_scripts"
TABLE = Path(__file__).with_suffix(".csv")
KEY = ("data", "hands", "dimensions", "deepest", "method", "threads")
COLUMNS = (*KEY, "searched", "build_s", "search_s", "seconds_for_all", "agree", "compared", "peak_mb")
COLUMNS += ("machine", "date")
PARTS = ("tree", "stage", "check", "ckdtree", "faiss_flat", "faiss_ivf", "torch")
BLOCK = 2000
PROBES = 16
VIDEOS_PER_SHARD = 128

Query = Callable[[np.ndarray, int], np.ndarray]
"""(rows, k) -> rows (Q, k) of the k nearest hands of whatever recording, -1 for none."""


@dataclass
class Problem:
    """What is mined: points of hands in groups, ranks 1 to ``deepest``."""

    points: np.ndarray
    groups: np.ndarray
    deepest: int
    threads: int

    @property
    def ranks(self) -> np.ndarray:
        """1 ... deepest."""
        return np.arange(1, self.deepest + 1)


def timed(work: Callable, *arguments: object) -> tuple[object, float]:
    """What ``work`` gives, and in how many seconds."""
    started = time.perf_counter()
    return work(*arguments), time.perf_counter() - started


def some_blocks(problem: Problem, count: int) -> np.ndarray:
    """About ``count`` rows in random blocks of neighbours, as a search over all hands would come by them."""
    order = kd_order(problem.points)
    starts = np.random.default_rng(0).permutation(np.arange(0, len(order), BLOCK))
    return np.concatenate([order[start : start + BLOCK] for start in starts[: max(1, count // BLOCK)]])


def by_escalation(problem: Problem, rows: np.ndarray, query: Query) -> np.ndarray:
    """Rows (Q, K) of the nearest hands of other groups: twice as many are asked for until K are others."""
    found = np.full((len(rows), problem.deepest), -1)
    pending, k = np.arange(len(rows)), 2 * problem.deepest
    while len(pending):
        near = query(rows[pending], k)
        other = (problem.groups[near] != problem.groups[rows[pending]][:, None]) & (near >= 0)
        enough = other.sum(axis=1) >= problem.deepest
        place = np.cumsum(other[enough], axis=1)
        taken = other[enough] & (place <= problem.deepest)
        found[pending[enough]] = near[enough][taken].reshape(-1, problem.deepest)
        pending, k = pending[~enough], 2 * k
    return found


def measure_ckdtree(problem: Problem, rows: np.ndarray) -> tuple[np.ndarray, float, float]:
    """SciPy's tree; seconds to build and to search."""
    tree, build_s = timed(cKDTree, problem.points)

    def query(some: np.ndarray, k: int) -> np.ndarray:
        return tree.query(problem.points[some], k, workers=problem.threads)[1]

    return *timed(by_escalation, problem, rows, query), build_s


def measure_faiss(
    problem: Problem, rows: np.ndarray, index: "faiss.Index"
) -> tuple[np.ndarray, float, float]:
    """A FAISS index; seconds to build and to search."""
    faiss.omp_set_num_threads(problem.threads)
    points = problem.points.astype(np.float32)
    _, build_s = timed(lambda: (index.train(points), index.add(points)))
    return *timed(by_escalation, problem, rows, lambda some, k: index.search(points[some], k)[1]), build_s


def by_brute_force(problem: Problem, rows: np.ndarray) -> np.ndarray:
    """Rows (Q, K) by comparing with every hand in float64."""

    def search(start: int) -> np.ndarray:
        some = rows[start : start + 8]
        distances = cdist(problem.points[some], problem.points, "sqeuclidean")
        distances[problem.groups[some][:, None] == problem.groups] = np.inf
        # SciPy may sum in another order: what it ranks close to K is ranked again as defined.
        near = np.argpartition(distances, problem.deepest + 8, axis=1)[:, : problem.deepest + 8]
        exact = exact_distances(problem.points[some], problem.points[near])
        exact[problem.groups[near] == problem.groups[some][:, None]] = np.inf
        order = np.lexsort((near, exact), axis=1)[:, : problem.deepest]
        return np.take_along_axis(near, order, axis=1)

    with ThreadPoolExecutor(problem.threads) as pool:
        return np.concatenate(list(pool.map(search, range(0, len(rows), 8))))


def search_all(problem: Problem, search: Search) -> tuple[Neighbours, float]:
    """What a search of this project finds, and in how many seconds, without compiling."""
    search(problem.points[:100], problem.groups[:100] % 2, np.array([1]), 1)
    return timed(search, problem.points, problem.groups, problem.ranks, problem.threads)


def write_run(folder: Path, recordings: Recordings) -> None:
    """A run folder with a set ``all`` of these hands, as the stages before mining leave it."""
    recording = recordings.recording
    count = len(recording)
    names = pa.array([f"recording {number:05d}" for number in range(recording[-1] + 1)]).take(recording)
    shards = recording // VIDEOS_PER_SHARD
    for shard in range(shards[-1] + 1):
        rows = np.flatnonzero(shards == shard)
        z = np.zeros(21 * len(rows), np.float32)
        columns = {
            "hand_id": rows,
            "video_id": names.take(rows),
            "timestamp_s": np.zeros(len(rows)),
            "side": ["right"] * len(rows),
            "score": np.ones(len(rows), np.float32),
            "keypoints": pa.FixedSizeListArray.from_arrays(recordings.keypoints[rows].ravel(), 42),
            "z": pa.FixedSizeListArray.from_arrays(z, 21),
            "valid": np.ones(len(rows), bool),
        }
        write_table(folder / f"keypoints/bench/{shard:04d}.parquet", "keypoints", columns)
    crop_files = pa.array([f"crops/bench/{shard:04d}.arrow" for shard in range(shards[-1] + 1)])
    columns = {
        "hand_id": np.arange(count),
        "video_id": names,
        "group_id": names,
        "source": pa.repeat("bench", count),
        "side": pa.repeat("right", count),
        "crop_file": crop_files.take(shards),
        "crop_row": np.arange(count),
    }
    write_table(folder / "sets/all.parquet", "set", columns)


def run_stage(
    folder: Path, script: str, settings: dict[str, object], *arguments: object
) -> tuple[float, float]:
    """Wall seconds and peak memory (MB) of a stage, run as the workflow runs it."""
    command = [sys.executable, SCRIPTS / script, "--settings", json.dumps(settings)]
    command += ["--run-dir", folder, "--set", folder / "sets/all.parquet", *arguments]
    started = time.perf_counter()
    process = subprocess.Popen([str(part) for part in command])
    peak_mb = 0.0
    # What wait4 reports would count this process too, from which the stage was forked.
    while process.poll() is None:
        peak_mb = max(peak_mb, high_water_mark_mb(process.pid))
        time.sleep(0.1)
    if process.returncode:
        raise SystemExit(f"{script} failed")
    return time.perf_counter() - started, peak_mb


def high_water_mark_mb(process_id: int) -> float:
    """The most memory a process has held so far."""
    for line in Path(f"/proc/{process_id}/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) / 1024
    return 0.0


def measure(problem: Problem, part: str, queries: int, compared: int, device: str) -> dict[str, object]:
    """The row of one part."""
    count = len(problem.points)
    if part in ("tree", "torch"):
        search = search_by_tree if part == "tree" else partial(search_by_torch, device=torch.device(device))
        _, seconds = search_all(problem, search)
        name = "tree"
        if part == "torch":
            name = f"torch on {torch.cuda.get_device_name() if device == 'cuda' else device}"
        return {"method": name, "searched": count, "search_s": seconds, "seconds_for_all": seconds}
    rows = some_blocks(problem, queries)
    if part == "check":
        rows = np.random.default_rng(1).permutation(count)[:compared]
        found, seconds = timed(by_brute_force, problem, rows)
        build_s, name = 0.0, "brute force, float64"
    elif part == "ckdtree":
        found, seconds, build_s = measure_ckdtree(problem, rows)
        name = "SciPy cKDTree, escalating k"
    elif part == "faiss_flat":
        rows = rows[: queries // 10]
        found, seconds, build_s = measure_faiss(problem, rows, faiss.IndexFlatL2(problem.points.shape[1]))
        name = "FAISS flat, escalating k"
    else:
        lists = max(1, min(round(4 * count**0.5), count // 39))
        index = faiss.index_factory(problem.points.shape[1], f"IVF{lists},Flat")
        index.nprobe = PROBES
        found, seconds, build_s = measure_faiss(problem, rows, index)
        name = f"FAISS IVF{lists}, {PROBES} probes, escalating k"
    exact = search_by_tree(problem.points, problem.groups, problem.ranks, problem.threads, only=rows)
    return {
        "method": name,
        "searched": len(rows),
        "build_s": build_s,
        "search_s": seconds,
        "seconds_for_all": build_s + seconds * count / len(rows),
        "agree": np.mean(exact.rows == found),
        "compared": found.size,
    }


def measure_stage(recordings: Recordings, deepest: int, dimensions: int, threads: int) -> dict[str, object]:
    """fit_pca and mine_pairs as the workflow runs them: reading the set, compiling, searching, writing."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_run(folder, recordings)
        pca = folder / "pca.npz"
        run_stage(folder, "fit_pca.py", {"dimensions": dimensions}, "--out", pca)
        settings = {"ranks": list(range(1, deepest + 1))}
        out = folder / "pairs.parquet"
        seconds, peak_mb = run_stage(
            folder, "mine_pairs.py", settings, "--pca", pca, "--out", out, "--threads", threads
        )
    count = len(recordings.recording)
    return {
        "method": "stage mine_pairs",
        "searched": count,
        "search_s": seconds,
        "seconds_for_all": seconds,
        "peak_mb": peak_mb,
    }


def processor() -> str:
    """The name of the processor."""
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.processor()


def write_rows(rows: list[dict[str, object]]) -> None:
    """Replace the rows of the table that are measured anew."""
    measured = [{key: _as_text(row.get(key, "")) for key in COLUMNS} for row in rows]
    kept = []
    if TABLE.exists():
        with TABLE.open() as file:
            kept = list(csv.DictReader(file))
    again = {tuple(row[key] for key in KEY) for row in measured}
    kept = [row for row in kept if tuple(row[key] for key in KEY) not in again]
    with TABLE.open("w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(kept + measured)


def _as_text(value: object) -> str:
    return f"{value:.4f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)


def main() -> None:
    """Measure the parts that are asked for, one row each."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", choices=["rendered", "gaussian"], default="rendered")
    parser.add_argument("--hands", type=int, default=2_000_000)
    parser.add_argument("--dimensions", type=int, default=14)
    parser.add_argument("--deepest", type=int, default=1, help="K: ranks 1 to K are searched for")
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS[:-1])
    parser.add_argument("--queries", type=int, default=100_000, help="hands that the alternatives search for")
    parser.add_argument("--compared", type=int, default=10_000, help="hands compared with brute force")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--device", default="cuda", help="of torch")
    args = parser.parse_args()

    recordings = sample_recordings(args.hands)
    if args.data == "rendered":
        embedding, _ = fit_embedding(recordings.keypoints, PcaSettings(dimensions=args.dimensions))
        points, usable = embedding.embed(recordings.keypoints)
        problem = Problem(points[usable], recordings.recording[usable], args.deepest, args.threads)
    else:
        points = np.random.default_rng(0).normal(size=(args.hands, args.dimensions))
        problem = Problem(points, recordings.recording, args.deepest, args.threads)
    problem.groups = problem.groups.astype(np.int32)
    common = {
        "data": args.data,
        "hands": args.hands,
        "dimensions": args.dimensions,
        "deepest": args.deepest,
        "threads": args.threads,
        "machine": processor(),
        "date": date.today(),
    }
    for part in args.parts:
        if part == "stage":
            row = measure_stage(recordings, args.deepest, args.dimensions, args.threads)
        else:
            row = measure(problem, part, args.queries, args.compared, args.device)
        print(row, flush=True)
        write_rows([{**common, **row}])


if __name__ == "__main__":
    main()
