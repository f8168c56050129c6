"""Pre-train one encoder on a set, by the method of one experiment."""

import argparse
from pathlib import Path

import torch

from simhand.errors import ConfigError
from simhand.files.atomic import write_text
from simhand.pretraining.data import load_hands
from simhand.pretraining.export import save_checkpoint, save_encoder, save_metrics, training_metrics
from simhand.pretraining.model_card import model_card
from simhand.pretraining.train import pretrain
from simhand.pretraining.training import start_training
from simhand.settings.experiments import METHODS_WITH_PAIRS, PretrainExperiment
from simhand.settings.pretrain import PretrainSettings
from simhand.stage import run_stage, stage_parser


def main(args: argparse.Namespace) -> None:
    """Train, then write the encoder, its model card, the checkpoint and the metrics."""
    settings = PretrainSettings.model_validate_json(args.settings)
    experiment = PretrainExperiment.model_validate_json(args.experiment)
    torch.set_num_threads(args.threads)
    pairs = _pairs_needed(experiment.method, args.pairs)
    hands = load_hands(settings, args.run_dir, args.set, pairs, experiment.top_k, args.threads)
    training = start_training(experiment, settings)
    pretrain(training, hands, args.out_dir / "history.jsonl")
    metrics = training_metrics(training, hands, [path for path in (args.set, pairs) if path])
    save_checkpoint(training, args.out_dir / "checkpoint.pt")
    save_metrics(metrics, args.out_dir / "metrics.json")
    write_text(args.out_dir / "README.md", model_card(metrics, training.model.features))
    save_encoder(training.model.encoder, args.out_dir / "encoder.safetensors")


def _pairs_needed(method: str, pairs: Path | None) -> Path | None:
    """``pairs`` for a method that trains on them, None for the others, which train on every hand."""
    if method not in METHODS_WITH_PAIRS:
        return None
    if pairs is None:
        raise ConfigError(f"method {method} trains on mined pairs: give --pairs")
    return pairs


if __name__ == "__main__":
    parser = stage_parser(__doc__)
    parser.add_argument("--experiment", required=True, help="the experiment as JSON")
    parser.add_argument("--run-dir", type=Path, required=True, help="folder of the run")
    parser.add_argument("--set", type=Path, required=True, help="the pre-training set")
    parser.add_argument("--pairs", type=Path, help="its mined pairs, for methods that need them")
    parser.add_argument("--out-dir", type=Path, required=True, help="folder of the experiment")
    run_stage(parser, main)
