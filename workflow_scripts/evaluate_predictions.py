"""Measure the predictions of one model by the protocols asked for.

Writes metrics.parquet, errors.parquet and sample_errors.parquet to --out-dir.
"""

import argparse
import logging
from pathlib import Path

from simhand.certificates.certificate import ProvenanceRecord
from simhand.evaluation.metrics import evaluate
from simhand.evaluation.model_columns import model_columns
from simhand.evaluation.predictions import load_predictions
from simhand.evaluation.tables import write_evaluation
from simhand.settings.datasets import caveat_of, parse_dataset
from simhand.settings.evaluation import EvaluationSettings
from simhand.stage import run_stage, stage_parser

log = logging.getLogger("simhand")


def main(args: argparse.Namespace) -> None:
    """Measure and write."""
    record = ProvenanceRecord.begin({"predictions": args.predictions})
    settings = EvaluationSettings.model_validate_json(args.settings)
    predictions = load_predictions(args.predictions)
    caveat = caveat_of(parse_dataset(args.dataset))
    if caveat is not None:
        log.warning("%s: %s", args.predictions, caveat)
    model = model_columns(args.experiment)
    evaluation = evaluate(predictions, settings, model, args.threads)
    write_evaluation(args.out_dir, evaluation, predictions)
    record.certify(
        [args.out_dir / name for name in ("metrics.parquet", "errors.parquet", "sample_errors.parquet")],
        recipe={"settings": settings.model_dump(mode="json"), "model": model},
        seed=model["seed"],
        facts={"samples": len(predictions)},
    )


if __name__ == "__main__":
    parser = stage_parser(__doc__, "settings", "threads")
    parser.add_argument("--experiment", required=True, help="what distinguishes the model, as JSON")
    parser.add_argument("--dataset", required=True, help="the data set's settings as JSON")
    parser.add_argument("--predictions", type=Path, required=True, help="predictions beside ground truth")
    parser.add_argument("--out-dir", type=Path, required=True, help="folder for the three tables")
    run_stage(parser, main)
