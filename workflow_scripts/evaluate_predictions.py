"""Measure the predictions of one fine-tuned model by the protocols asked for."""

import argparse
from pathlib import Path

from simhand.evaluation.metrics import metric_rows
from simhand.evaluation.predictions import load_predictions
from simhand.files.tables import write_table
from simhand.settings.evaluation import EvaluationSettings
from simhand.settings.experiments import FinetuneExperiment
from simhand.stage import run_stage, stage_parser


def main(args: argparse.Namespace) -> None:
    """Write the metrics."""
    settings = EvaluationSettings.model_validate_json(args.settings)
    experiment = FinetuneExperiment.model_validate_json(args.experiment)
    rows = metric_rows(load_predictions(args.predictions), settings.protocols, experiment)
    write_table(args.out, "metrics", rows)


if __name__ == "__main__":
    parser = stage_parser(__doc__)
    parser.add_argument("--experiment", required=True, help="what distinguishes the experiment, as JSON")
    parser.add_argument("--predictions", type=Path, required=True, help="predictions beside ground truth")
    parser.add_argument("--out", type=Path, required=True, help="the metrics to write")
    run_stage(parser, main)
