"""Set predictions made elsewhere beside the ground truth of their data set, as table predictions."""

import argparse
from pathlib import Path

from simhand.certificates.certificate import ProvenanceRecord
from simhand.datasets.label_cache import LabelCache
from simhand.datasets.loaders import LOADERS
from simhand.evaluation.exchange.imported import imported_predictions
from simhand.files.tables import write_table
from simhand.settings.datasets import parse_dataset
from simhand.settings.imported_predictions import ImportedModel
from simhand.stage import run_stage, stage_parser


def import_predictions(args: argparse.Namespace) -> None:
    """Read the file and the data set's evaluation samples, and write the table."""
    record = ProvenanceRecord.begin({"file": args.file})
    model = ImportedModel.model_validate_json(args.settings)
    dataset = parse_dataset(args.dataset)
    samples = LOADERS[dataset.kind](
        args.root, dataset, "evaluation", LabelCache(args.scans_dir, args.threads)
    )
    table = imported_predictions(model, args.file, samples)
    write_table(args.out, "predictions", table)
    record.certify(
        [args.out],
        recipe={"model": model.model_dump(mode="json"), "dataset": dataset.model_dump(mode="json")},
        facts={"evaluation_images": table.num_rows},
    )


if __name__ == "__main__":
    parser = stage_parser(__doc__, "settings", "threads")
    parser.add_argument("--file", type=Path, required=True, help="the predictions made elsewhere")
    parser.add_argument("--dataset", required=True, help="the data set's settings as JSON")
    parser.add_argument("--root", type=Path, required=True, help="folder with the data set's files")
    parser.add_argument("--scans-dir", type=Path, help="folder that keeps labels which take long to read")
    parser.add_argument("--out", type=Path, required=True, help="predictions.parquet to write")
    run_stage(parser, import_predictions)
