"""Fine-tune DetNet on a labelled data set and predict its evaluation images.

Writes checkpoint.pt, predictions.parquet, metrics.json and history.jsonl to --out-dir.
"""

import argparse
from pathlib import Path

from simhand.finetuning.experiment import run_experiment
from simhand.settings.datasets import parse_dataset
from simhand.settings.experiments import FinetuneExperiment
from simhand.settings.finetune import FinetuneSettings
from simhand.stage import run_stage, stage_parser


def finetune_detnet(args: argparse.Namespace) -> None:
    """Run the experiment that the command line describes."""
    run_experiment(
        FinetuneSettings.model_validate_json(args.settings),
        FinetuneExperiment.model_validate_json(args.experiment),
        parse_dataset(args.dataset),
        args.root,
        args.encoder,
        args.out_dir,
        args.threads,
    )


if __name__ == "__main__":
    parser = stage_parser(__doc__)
    parser.add_argument("--experiment", required=True, help="the experiment as JSON")
    parser.add_argument("--dataset", required=True, help="the data set's settings as JSON")
    parser.add_argument("--root", type=Path, required=True, help="folder with the data set's files")
    parser.add_argument(
        "--encoder", type=Path, help="weights to start the encoder from; without it they are random"
    )
    parser.add_argument("--out-dir", type=Path, required=True, help="folder for the four output files")
    run_stage(parser, finetune_detnet)
