"""Write predictions in the form of the data set's own tool: FreiHAND's zip or DexYCB's result file."""

import argparse
from pathlib import Path

from simhand.datasets.label_cache import LabelCache
from simhand.datasets.loaders import LOADERS
from simhand.datasets.sample_columns import sample_ids
from simhand.errors import ConfigError
from simhand.evaluation.exchange.submission import write_submission
from simhand.settings.datasets import caveat_of, parse_dataset
from simhand.stage import run_stage, stage_parser


def main(args: argparse.Namespace) -> None:
    """Find the samples that the tool measures and write their predictions."""
    dataset = parse_dataset(args.dataset)
    caveat = caveat_of(dataset)
    if caveat is not None:
        raise ConfigError(f"{args.predictions} cannot be submitted: {caveat}")
    samples = LOADERS[dataset.kind](
        args.root, dataset, "evaluation", LabelCache(args.scans_dir, args.threads)
    )
    write_submission(args.out, args.predictions, sample_ids(samples))


if __name__ == "__main__":
    parser = stage_parser(__doc__, "threads")
    parser.add_argument("--predictions", type=Path, required=True, help="predictions to submit")
    parser.add_argument("--dataset", required=True, help="the data set's settings as JSON")
    parser.add_argument("--root", type=Path, required=True, help="folder with the data set's files")
    parser.add_argument("--scans-dir", type=Path, help="folder that keeps labels which take long to read")
    parser.add_argument("--out", type=Path, required=True, help="submission.zip or submission.txt")
    run_stage(parser, main)
