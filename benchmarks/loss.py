"""The streamed contrastive loss against its direct formula: memory and time of a loss with its gradient.

python benchmarks/loss.py    # from the root; rewrites benchmarks/loss.csv

Both weights are adaptive (Eq. 2) and computed from keypoints, as in a training. Each case has a process of
its own. "extra" is its peak resident memory beyond what it has once torch and its input are in place. The
direct formula is the one that the tests compare with: the similarities, the distances of all hands to all,
summed joint by joint, and their weights as whole matrices, and torch's gradient. Where it would need more
memory than the machine has free it is left out.
"""

import argparse
import csv
import os
import platform
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "workflow_scripts"), str(ROOT / "tests" / "pretraining")]

from direct_loss import direct_nt_xent  # noqa: E402

from simhand.pretraining.adaptive_weights import adaptive_weights, positive_weights  # noqa: E402
from simhand.pretraining.nt_xent import nt_xent  # noqa: E402
from simhand.settings.pretrain import PretrainSettings  # noqa: E402

TABLE = Path(__file__).with_suffix(".csv")
COLUMNS = (
    "views", "dimensions", "direct_extra_mb", "streamed_extra_mb", "memory_ratio", "direct_s", "streamed_s",
    "time_ratio", "gradients_differ_by", "threads", "machine", "date",
)  # fmt: skip
VIEWS = (2_048, 8_192, 16_384, 65_536)
DIMENSIONS = 128
DIRECT_MATRICES = 9
"""Whole (M, M) matrices that the direct formula holds at its peak, measured; decides whether it is tried."""

SETTINGS = PretrainSettings()
Loss = Callable[[Tensor, Tensor], Tensor]


def streamed(embeddings: Tensor, keypoints: Tensor) -> Tensor:
    """The loss as trainings compute it."""
    weights = adaptive_weights(keypoints, len(keypoints) // 2, "both", SETTINGS)
    return nt_xent(embeddings, SETTINGS.temperature, weights)


def direct(embeddings: Tensor, keypoints: Tensor) -> Tensor:
    """The loss from whole matrices."""
    hands = len(keypoints) // 2
    distance = keypoints.new_zeros(len(keypoints), len(keypoints))
    for joint in keypoints.unbind(1):
        difference = joint[:, None] - joint[None]
        distance += torch.hypot(difference[..., 0], difference[..., 1])
    negative = (distance.max() - distance) / (distance.max() - distance.min())
    positive = positive_weights(keypoints.unflatten(0, (2, hands)), SETTINGS)
    by_view = positive.unflatten(0, (2, hands)).permute(0, 2, 1)
    return direct_nt_xent(embeddings, hands, SETTINGS.temperature, by_view, negative)


LOSSES: dict[str, Loss] = {"direct": direct, "streamed": streamed}


def peak_mb() -> float:
    """Most resident memory of this process so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measure(name: str, views: int, threads: int, gradient_file: Path) -> None:
    """Print the extra memory of one loss and gradient, and the seconds of the fastest of some."""
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    keypoints = torch.rand(views, 21, 2) * 128
    rows = F.normalize(torch.randn(views, DIMENSIONS), dim=1).requires_grad_()
    LOSSES[name](rows[:64], keypoints[:64]).backward()
    rows.grad = None
    before = peak_mb()
    seconds = []
    while not seconds or (sum(seconds) < 5 and len(seconds) < 20):
        rows.grad = None
        started = time.perf_counter()
        LOSSES[name](rows, keypoints).backward()
        seconds.append(time.perf_counter() - started)
    torch.save(rows.grad, gradient_file)
    print(peak_mb() - before, min(seconds))


def measured(name: str, views: int, threads: int, gradient_file: Path) -> tuple[float, float]:
    """Extra memory (MB) and seconds of a case, in a process of its own."""
    command = [sys.executable, __file__, "--case", name, str(views), str(gradient_file)]
    command += ["--threads", str(threads)]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    return float(said[0]), float(said[1])


def free_mb() -> float:
    """Memory that is to be had now."""
    lines = dict(line.split(":", 1) for line in Path("/proc/meminfo").read_text().splitlines())
    return int(lines["MemAvailable"].split()[0]) / 1024


def row_of(views: int, threads: int) -> dict[str, object]:
    """Both losses at ``views`` views."""
    files = {name: TABLE.with_name(f"loss_{name}.tmp") for name in LOSSES}
    row: dict[str, object] = {"views": views, "dimensions": DIMENSIONS, "threads": threads}
    fits = DIRECT_MATRICES * views**2 * 4 / 2**20 < free_mb()
    try:
        extra, seconds = measured("streamed", views, threads, files["streamed"])
        row |= {"streamed_extra_mb": round(extra), "streamed_s": f"{seconds:.3g}"}
        if fits:
            direct_extra, direct_seconds = measured("direct", views, threads, files["direct"])
            row |= {"direct_extra_mb": round(direct_extra), "direct_s": f"{direct_seconds:.3g}"}
            row |= {"memory_ratio": f"{direct_extra / max(extra, 1):.1f}"}
            row |= {"time_ratio": f"{direct_seconds / seconds:.2f}"}
            gradients = [torch.load(files[name], weights_only=True) for name in LOSSES]
            apart = (gradients[0] - gradients[1]).abs().max() / gradients[0].abs().max()
            row |= {"gradients_differ_by": f"{apart:.1e}"}
    finally:
        for file in files.values():
            file.unlink(missing_ok=True)
    return row


def main() -> None:
    """Measure and write the table; with --case, one case."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--views", type=int, nargs="+", default=VIEWS)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--out", type=Path, default=TABLE)
    parser.add_argument("--case", nargs=3, metavar=("LOSS", "VIEWS", "FILE"), help="one measurement")
    args = parser.parse_args()
    if args.case:
        measure(args.case[0], int(args.case[1]), args.threads, Path(args.case[2]))
        return
    machine = f"{platform.machine()}, {os.cpu_count()} cores"
    with args.out.open("w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        for views in args.views:
            row = row_of(views, args.threads) | {"machine": machine, "date": date.today()}
            writer.writerow(row)
            file.flush()
            print(row)


if __name__ == "__main__":
    main()
