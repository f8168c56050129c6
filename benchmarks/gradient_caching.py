"""Memory and time of a step with and without gradient caching, at growing batches.

    python benchmarks/gradient_caching.py                        # ResNet-18 at 64 px, up to 8,192 hands, CPU
    python benchmarks/gradient_caching.py --encoder resnet50 --image-px 128 --bn-group 2048 --device cuda

Each step is taken in a process of its own, whose largest memory is what the table says (of the GPU, where
there is one). Without caching, batches larger than --direct-up-to hands are left out: all their graphs
would be in memory. `memory_ratio` is direct over cached. Writes benchmarks/gradient_caching.csv.
"""

import argparse
import csv
import json
import resource
import subprocess
import sys
import time
from datetime import date
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "workflow_scripts"))

import torch
from random_hands import machine, random_hands, simhand_training

from simhand.pretraining.epochs import batches
from simhand.pretraining.step import backpropagate
from simhand.settings.pretrain import PretrainSettings

TABLE = Path(__file__).with_suffix(".csv")
COLUMNS = ("encoder", "image_px", "bn_group", "hands", "views", "cached_s", "cached_mb", "direct_s")
COLUMNS += ("direct_mb", "time_ratio", "memory_ratio", "machine", "date")


def take_one_step(args: argparse.Namespace) -> None:
    """In a process of its own: one step, and what it took, as JSON."""
    settings = PretrainSettings(
        encoder=args.encoder,
        image_size_px=args.image_px,
        batch_size=args.step,
        bn_group=args.bn_group,
        gradient_caching=args.cached,
        device=args.device,
    )
    training, hands = simhand_training(settings), random_hands(args.step, settings)
    stream = batches(hands, training.method, settings, 0, 0)
    started = time.perf_counter()
    backpropagate(training, next(stream), 0)
    cuda = training.device.type == "cuda"
    if cuda:
        torch.cuda.synchronize()
    took = time.perf_counter() - started
    peak_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    peak_mb = torch.cuda.max_memory_allocated() / 2**20 if cuda else peak_kb / 1024
    print(json.dumps({"s": took, "mb": peak_mb, "machine": machine(training.device)}))


def measured(args: argparse.Namespace, hands: int, cached: bool) -> dict[str, float | str]:
    """What one step with ``hands`` hands takes."""
    command = [sys.executable, __file__, "--step", str(hands), "--encoder", args.encoder]
    command += ["--image-px", str(args.image_px), "--bn-group", str(args.bn_group), "--device", args.device]
    done = subprocess.run(
        command + ["--cached"] * cached, stdout=subprocess.PIPE, check=True, encoding="utf-8"
    )
    found: dict[str, float | str] = json.loads(done.stdout)
    return found


def main() -> None:
    """Measure and write the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--encoder", default="resnet18")
    parser.add_argument("--image-px", type=int, default=64)
    parser.add_argument("--bn-group", type=int, default=128, help="views")
    parser.add_argument("--hands", type=int, nargs="+", default=[128, 256, 512, 2048, 8192])
    parser.add_argument("--direct-up-to", type=int, default=512)
    parser.add_argument("--device", default="cpu", choices=["auto", "cpu", "cuda"])
    parser.add_argument("--out", type=Path, default=TABLE)
    parser.add_argument("--step", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--cached", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.step:
        take_one_step(args)
        return
    with args.out.open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(COLUMNS)
        for hands in args.hands:
            cached = measured(args, hands, cached=True)
            both = [f"{cached['s']:.1f}", f"{cached['mb']:.0f}", *[""] * 4]
            if hands <= args.direct_up_to:
                direct = measured(args, hands, cached=False)
                both[2:] = [f"{direct['s']:.1f}", f"{direct['mb']:.0f}"]
                both += [f"{cached['s'] / direct['s']:.2f}", f"{direct['mb'] / cached['mb']:.2f}"]
            row = [args.encoder, args.image_px, args.bn_group, hands, 2 * hands, *both]
            row += [cached["machine"], date.today().isoformat()]
            print(*row, flush=True)
            table.writerow(row)


if __name__ == "__main__":
    main()
