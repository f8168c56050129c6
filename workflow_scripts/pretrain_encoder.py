"""Pre-train one encoder on a set, by the method of one experiment.

Interrupted, it goes on from its last checkpoint in run/ below --out-dir. Told to stop (SIGTERM, SIGUSR1,
Ctrl-C) it saves after the step at hand and exits with code 75; so does one that finds another at work.

Started by torchrun (python -m torch.distributed.run) its processes train together and share --threads.
Without torchrun, as with srun over several nodes, WORLD_SIZE, MASTER_ADDR and MASTER_PORT must be set, and
RANK and LOCAL_RANK unless SLURM sets SLURM_PROCID and SLURM_LOCALID; --threads is then that of each process.
"""

import argparse
from pathlib import Path
from typing import Any

import torch

from simhand.certificates.certificate import ProvenanceRecord
from simhand.device import choose_device
from simhand.errors import ConfigError
from simhand.files.atomic import write_bytes, write_text
from simhand.launched import sharing_this_job
from simhand.pretraining.data import load_hands
from simhand.pretraining.export import save_checkpoint, save_encoder, save_metrics, training_metrics
from simhand.pretraining.model_card import model_card
from simhand.pretraining.process_group import joined_processes
from simhand.pretraining.processes import process_rank
from simhand.pretraining.retrieval_probe import make_probe
from simhand.pretraining.run_identity import run_identity
from simhand.pretraining.train import pretrain
from simhand.pretraining.training import Training, start_training
from simhand.settings.experiments import METHODS_WITH_PAIRS, PretrainExperiment, ranks_of
from simhand.settings.pretrain import PretrainSettings
from simhand.stage import run_stage, stage_parser
from simhand.training_runs.run_folder import TrainingRun, open_run


def main(args: argparse.Namespace) -> None:
    """Train, or go on with it, then write the encoder, its card, the checkpoint, metrics and history."""
    settings = PretrainSettings.model_validate_json(args.settings)
    experiment = PretrainExperiment.model_validate_json(args.experiment)
    threads = max(1, args.threads // sharing_this_job())
    torch.set_num_threads(threads)
    pairs = _pairs_needed(experiment.method, args.pairs)
    record = ProvenanceRecord.begin({"set": args.set, "pairs": pairs})
    identity = run_identity(experiment, settings, args.run_dir, args.set, pairs)
    with (
        joined_processes(choose_device(settings.device, "pretrain.device")),
        open_run(args.out_dir / "run", identity, writes=process_rank() == 0) as run,
    ):
        hands = load_hands(settings, args.run_dir, args.set, pairs, ranks_of(experiment.top_k), threads)
        training = start_training(experiment, settings)
        pretrain(training, hands, run, make_probe(hands, args.set, settings.probe_hands))
        if run.lock is not None:
            run.lock.check()
            metrics = training_metrics(training, hands, [path for path in (args.set, pairs) if path])
            _write_results(training, metrics, run, args.out_dir)
            _certify(record, args.out_dir, identity, metrics)


def _write_results(training: Training, metrics: dict[str, Any], run: TrainingRun, out_dir: Path) -> None:
    write_bytes(out_dir / "history.jsonl", run.history.read_bytes())
    save_checkpoint(training, out_dir / "checkpoint.pt")
    save_metrics(metrics, out_dir / "metrics.json")
    write_text(out_dir / "README.md", model_card(metrics, training.model.features))
    save_encoder(training.model.encoder, out_dir / "encoder.safetensors")


def _certify(
    record: ProvenanceRecord, out_dir: Path, identity: dict[str, Any], metrics: dict[str, Any]
) -> None:
    facts = {name: metrics[name] for name in ("hands", "anchors", "steps", "views_per_s", "hardware")}
    record.certify(
        [out_dir / "encoder.safetensors", out_dir / "checkpoint.pt"],
        recipe=identity,
        seed=metrics["experiment"]["seed"],
        facts={**facts, "training_s": metrics["seconds"]},
    )


def _pairs_needed(method: str, pairs: Path | None) -> Path | None:
    """``pairs`` for a method that trains on them, None for the others, which train on every hand."""
    if method not in METHODS_WITH_PAIRS:
        return None
    if pairs is None:
        raise ConfigError(f"method {method} trains on pairs of hands: give --pairs")
    return pairs


if __name__ == "__main__":
    parser = stage_parser(__doc__, "settings", "threads")
    parser.add_argument("--experiment", required=True, help="the experiment as JSON")
    parser.add_argument("--run-dir", type=Path, required=True, help="folder of the run")
    parser.add_argument("--set", type=Path, required=True, help="the pre-training set")
    parser.add_argument("--pairs", type=Path, help="its mined pairs, for methods that need them")
    parser.add_argument("--out-dir", type=Path, required=True, help="folder of the experiment")
    run_stage(parser, main)
