"""Fine-tune DetNet on a labelled data set and predict its evaluation images.

Writes checkpoint.pt, predictions.parquet, metrics.json and history.jsonl to --out-dir. Interrupted, it goes
on from its last checkpoint in run/ below that. Told to stop (SIGTERM, SIGUSR1, Ctrl-C) it saves after the
step at hand and exits with code 75; so does one that finds another at work.
"""

import argparse
from pathlib import Path

from simhand.certificates.certificate import ProvenanceRecord
from simhand.finetuning.experiment import run_experiment
from simhand.finetuning.weak_supervision import PseudoLabelledSet
from simhand.settings.datasets import parse_dataset
from simhand.settings.experiments import FinetuneExperiment
from simhand.settings.finetune import FinetuneSettings
from simhand.stage import run_stage, stage_parser


def finetune_detnet(args: argparse.Namespace) -> None:
    """Run the experiment that the command line describes."""
    record = ProvenanceRecord.begin({"encoder": args.encoder, "set": args.set})
    pseudo_labelled = PseudoLabelledSet(args.run_dir, args.set) if args.set and args.run_dir else None
    experiment = FinetuneExperiment.model_validate_json(args.experiment)
    identity, metrics = run_experiment(
        FinetuneSettings.model_validate_json(args.settings),
        experiment,
        parse_dataset(args.dataset),
        args.root,
        args.encoder,
        args.out_dir,
        args.threads,
        args.scans_dir,
        pseudo_labelled,
    )
    facts = ("training_images", "validation_images", "evaluation_images", "chosen_epoch", "device")
    record.certify(
        [args.out_dir / "predictions.parquet", args.out_dir / "checkpoint.pt"],
        recipe=identity,
        seed=experiment.seed,
        facts={**{name: metrics[name] for name in facts}, "training_s": metrics["train_s"]},
    )


if __name__ == "__main__":
    parser = stage_parser(__doc__, "settings", "threads")
    parser.add_argument("--experiment", required=True, help="the experiment as JSON")
    parser.add_argument("--dataset", required=True, help="the data set's settings as JSON")
    parser.add_argument("--root", type=Path, required=True, help="folder with the data set's files")
    parser.add_argument(
        "--encoder",
        type=Path,
        help="pre-trained weights to start the encoder from; without it the experiment's `init` decides",
    )
    parser.add_argument("--scans-dir", type=Path, help="folder that keeps labels which take long to read")
    parser.add_argument("--set", type=Path, help="set whose crops are learnt from too (weak supervision)")
    parser.add_argument("--run-dir", type=Path, help="folder of the run that the set is of")
    parser.add_argument("--out-dir", type=Path, required=True, help="folder for the four output files")
    run_stage(parser, finetune_detnet)
