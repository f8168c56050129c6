"""Share of a training step that is not the encoder's forward and backward, and views per second.

    python benchmarks/training_step.py                           # ResNet-18 and -50 at 128 px on this machine
    python benchmarks/training_step.py --hands 1024 --precision float32 bfloat16 --compile off on

A step is all that training does: fetching crops, warp and colour, encoder, head, weights, loss, gradient and
optimiser. Beside it, in turns with it, the encoder alone goes forward and backward through as many views
of random numbers in the same groups. On a GPU give more hands, both precisions and torch.compile; the last
columns say what share of the chip's peak is used (--peak-tflops) and how long 2 million hands x 100 epochs
would take. Writes benchmarks/training_step.csv.
"""

import argparse
import csv
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "workflow_scripts"))

import torch
from random_hands import machine, random_hands, simhand_training
from torch.utils.flop_counter import FlopCounterMode

from simhand.device import choose_device
from simhand.pretraining.epochs import Batch, batches
from simhand.pretraining.step import backpropagate
from simhand.pretraining.training import Training
from simhand.settings.pretrain import PretrainSettings

TABLE = Path(__file__).with_suffix(".csv")
COLUMNS = ("encoder", "image_px", "hands", "bn_group", "precision", "compile", "step_s", "encoder_s")
COLUMNS += ("not_encoder", "data_wait", "views_per_s", "peak_mb", "tflops", "share_of_peak")
COLUMNS += ("days_2m_100_epochs", "machine", "date")


class Step:
    """Steps of a training, one at a time, each fetching while the one before computes."""

    def __init__(self, training: Training, steps: int) -> None:
        self._training = training
        hands = random_hands((steps + 2) * training.settings.batch_size, training.settings)
        self._batches: Iterator[Batch] = batches(hands, training.method, training.settings, 0, 0)
        self.waited_s: list[float] = []

    def __call__(self) -> None:
        """Take one step."""
        batch = next(self._batches)
        backpropagate(self._training, batch, 0)
        self._training.optimiser.step()
        self._training.step += 1
        self.waited_s.append(batch.crops.waited_s)


def encoder_alone(training: Training) -> Callable[[], None]:
    """The encoder forward through all groups of a batch of random numbers, then backward through all."""
    settings, encoder = training.settings, training.model.encoder
    group = min(settings.bn_group or 2 * settings.batch_size, 2 * settings.batch_size)
    side = settings.image_size_px
    images = torch.randn(group, 3, side, side, device=training.device).contiguous(
        memory_format=torch.channels_last
    )
    gradient = torch.randn(group, training.model.features, device=training.device)
    half = settings.precision == "bfloat16"

    def run() -> None:
        for parameter in encoder.parameters():
            parameter.grad = None
        graphs = []
        for _ in range(2 * settings.batch_size // group):
            with torch.autocast(training.device.type, dtype=torch.bfloat16, enabled=half):
                graphs.append(encoder(images))
        while graphs:
            graphs.pop(0).float().backward(gradient)

    return run


def seconds(work: Callable[[], None], device: torch.device) -> float:
    """Wall time of ``work`` to its end, on a GPU too."""
    started = time.perf_counter()
    work()
    if device.type == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter() - started


def measure(
    settings: PretrainSettings, compiled: bool, repeats: int, peak_tflops: float | None
) -> list[object]:
    """One row of the table."""
    training = simhand_training(settings)
    device = training.device
    tflop = tflop_per_view(training)
    if compiled:
        training.model.encoder.compile()
    step, encoder = Step(training, repeats + 1), encoder_alone(training)
    for work in (step, encoder):
        seconds(work, device)
    step.waited_s.clear()
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats()
    steps, alone = [], []
    for _ in range(repeats):
        steps.append(seconds(step, device))
        alone.append(seconds(encoder, device))
    step_s, encoder_s = statistics.median(steps), statistics.median(alone)
    views = 2 * settings.batch_size
    per_s = views / step_s
    peak_mb = f"{torch.cuda.max_memory_allocated() / 2**20:.0f}" if device.type == "cuda" else ""
    return [
        *(settings.encoder, settings.image_size_px, settings.batch_size, settings.bn_group),
        *(settings.precision, "on" if compiled else "off", f"{step_s:.3f}", f"{encoder_s:.3f}"),
        *(f"{1 - encoder_s / step_s:.3f}", f"{sum(step.waited_s) / sum(steps):.4f}", f"{per_s:.1f}"),
        *(peak_mb, f"{per_s * tflop:.3f}"),
        f"{per_s * tflop / peak_tflops:.3f}" if peak_tflops else "",
        *(f"{2e6 * 2 * 100 / per_s / 86400:.1f}", machine(device), date.today().isoformat()),
    ]


def tflop_per_view(training: Training) -> float:
    """Multiplications and additions of one view's forward and backward through the encoder."""
    side = training.settings.image_size_px
    with FlopCounterMode(display=False) as counter:
        training.model.encoder(torch.zeros(2, 3, side, side, device=training.device)).sum().backward()
    return counter.get_total_flops() / 2 / 1e12


def main() -> None:
    """Measure and write the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--encoders", nargs="+", default=["resnet18", "resnet50"])
    parser.add_argument("--image-px", type=int, default=128)
    parser.add_argument("--hands", type=int, default=64, help="per batch; each is two views")
    parser.add_argument("--bn-group", type=int, default=64, help="views")
    parser.add_argument("--precision", nargs="+", default=["float32"], choices=["float32", "bfloat16"])
    parser.add_argument("--compile", nargs="+", default=["off"], choices=["off", "on"])
    parser.add_argument("--device", default="auto", choices=["auto", "cpu", "cuda"])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--peak-tflops", type=float, help="of the chip, at this precision")
    parser.add_argument("--out", type=Path, default=TABLE)
    args = parser.parse_args()
    choose_device(args.device, "--device")
    with args.out.open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(COLUMNS)
        for encoder in args.encoders:
            for precision in args.precision:
                for compiled in args.compile:
                    settings = PretrainSettings(
                        encoder=encoder,
                        image_size_px=args.image_px,
                        batch_size=args.hands,
                        bn_group=args.bn_group,
                        precision=precision,
                        device=args.device,
                    )
                    row = measure(settings, compiled == "on", args.repeats, args.peak_tflops)
                    print(*row, flush=True)
                    table.writerow(row)


if __name__ == "__main__":
    main()
