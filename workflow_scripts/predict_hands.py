"""Predict the hands in pictures and videos with a fine-tuned model, and draw them in 2D and 3D.

MediaPipe finds the hands, as in the pipeline; each is cut out as in fine-tuning and predicted by itself,
without smoothing over time. Written are hands.parquet (docs/files.md), a JPEG per picture and an MP4 per
video, with the time stamps of the video and without its sound. Exit code 3: there is no hand at all.
"""

import argparse
import logging
from pathlib import Path

import torch

from simhand.device import choose_device
from simhand.errors import ConfigError, DataError, NothingFoundError
from simhand.hands.make_detector import make_detector
from simhand.prediction.camera import Camera, FieldOfView, GivenMatrix
from simhand.prediction.inputs import find_inputs
from simhand.prediction.model import find_checkpoint, load_model
from simhand.prediction.predictor import HandPredictor
from simhand.prediction.stage import PredictionStage
from simhand.settings.crops import CropsSettings
from simhand.stage import run_stage, stage_parser

log = logging.getLogger("simhand")


def main(args: argparse.Namespace) -> None:
    """Predict everything that was named."""
    out_dir = args.out or args.run_dir / "predict"
    inputs, others = find_inputs(args.inputs, out_dir)
    camera = camera_of(args.fov, args.intrinsics)
    checkpoint = find_checkpoint(args.run_dir, args.model)
    model = load_model(checkpoint)
    device = choose_device(args.device, "--device")
    torch.set_num_threads(args.threads)
    log.info("%d inputs, model %s on %s", len(inputs), checkpoint, device)
    if others:
        log.info("%d other files in the folders are neither pictures nor videos", others)
    if camera is None:
        log.info("no camera matrix is given, so positions are relative to the wrist")
    detector = make_detector(CropsSettings(max_hands=args.max_hands))
    outcome = PredictionStage(detector, HandPredictor(model, camera, device)).run(inputs, out_dir)
    log.info(
        "%d hands in %d inputs; %d have none, %d cannot be read; in %s",
        outcome.hands,
        len(inputs) - len(outcome.failed),
        len(outcome.without_hands),
        len(outcome.failed),
        out_dir,
    )
    if outcome.failed:
        raise DataError(
            f"{len(outcome.failed)} of {len(inputs)} inputs cannot be read (the others are done): "
            + "; ".join(f"{path}: {reason}" for path, reason in outcome.failed.items())
        )
    if not outcome.hands:
        raise NothingFoundError("no hand found; a hand should be seen whole, and not be small in the picture")


def camera_of(fov: float | None, intrinsics: list[float] | None) -> Camera | None:
    """The camera that was given, if any.

    Raises:
        ConfigError: it was given twice, or is none.
    """
    if fov is not None and intrinsics is not None:
        raise ConfigError("a field of view and a camera matrix are given; give one of them")
    if fov is not None:
        return FieldOfView(fov)
    return GivenMatrix(*intrinsics) if intrinsics is not None else None


if __name__ == "__main__":
    parser = stage_parser(__doc__, "threads")
    parser.add_argument("--inputs", type=Path, nargs="+", required=True, help="pictures, videos or folders")
    parser.add_argument("--run-dir", type=Path, required=True, help="results/<run> with a fine-tuned model")
    parser.add_argument("--model", help="a fine-tuning of the run, or the file of a checkpoint")
    parser.add_argument("--out", type=Path, help="folder of the results; by default <run>/predict")
    parser.add_argument("--max-hands", type=int, default=CropsSettings().max_hands, help="hands per picture")
    parser.add_argument(
        "--fov", type=float, help="horizontal field of view in degrees: places hands in space"
    )
    parser.add_argument(
        "--intrinsics", type=float, nargs=4, metavar=("FX", "FY", "CX", "CY"), help="or the camera, in pixels"
    )
    parser.add_argument("--device", choices=["auto", "cpu", "cuda"], default="auto")
    run_stage(parser, main)
