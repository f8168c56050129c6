"""A run of two seeds in miniature: every file is a few bytes, every certificate is real."""

from pathlib import Path

from simhand.certificates.certificate import ProvenanceRecord
from simhand.files.tables import write_table
from simhand.settings.finetune import FinetuneSettings
from simhand.settings.pca import PcaSettings
from simhand.settings.pretrain import PretrainSettings
from simhand.settings.sets import SetSettings

START = "simhand_mine_none_top1_random"
SEEDS = (0, 1)


def experiment(seed: int) -> str:
    """The name of the fine-tuning of a seed."""
    return f"{START}_seed{seed}__toy_100pct"


def build_run(run: Path) -> Path:
    """A run whose set is 90 hands although 100 were asked for; 10 short epochs on rendered labels."""
    record = ProvenanceRecord.begin({})
    files = {
        "manifest": run / "videos/manifest.parquet",
        "keypoints": run / "keypoints/a/0000.parquet",
        "more": run / "keypoints/a/0001.parquet",
        "set": run / "sets/mine.parquet",
        "pca": run / "pca/mine.npz",
        "pairs": run / "pairs/mine.parquet",
    }
    for name, path in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    of_hands = {"keypoints": [files["keypoints"], files["more"]], "manifest": files["manifest"]}
    record.reading(of_hands).certify(
        [files["set"]],
        recipe={"settings": SetSettings(size=100).model_dump(), "seed": 7},
        seed=7,
        facts={"hands": 90},
    )
    of_set = record.reading({"set": files["set"]})
    of_set.certify([files["pca"]], recipe={"settings": PcaSettings(dimensions=10).model_dump()})
    of_set.reading({"pca": files["pca"]}).certify([files["pairs"]], recipe={"settings": {}})
    for seed in SEEDS:
        _train(record, run, files, seed)
    return run


def _train(record: ProvenanceRecord, run: Path, files: dict[str, Path], seed: int) -> None:
    encoder = run / "pretrain" / f"{START}_seed{seed}" / "encoder.safetensors"
    folder = run / "finetune" / experiment(seed)
    for path in (encoder, folder / "predictions.parquet"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"seed {seed}")
    pretrain = PretrainSettings(epochs=10).model_dump(exclude={"device", "processes"})
    record.reading({"set": files["set"], "pairs": files["pairs"], "init": None}).certify(
        [encoder],
        recipe={"settings": pretrain},
        seed=seed,
        facts={"training_s": 3700.0, "steps": 40},
    )
    record.reading({"encoder": encoder, "set": None}).certify(
        [folder / "predictions.parquet"],
        recipe={
            "settings": FinetuneSettings().model_dump(),
            "dataset": {"kind": "rendered", "layout": "freihand"},
            "experiment": {"label_fraction": 1.0},
            "labels": "abc",
        },
        seed=seed,
    )
    rows = [
        _row(seed, "mpjpe", 20.0 + seed, "mm"),
        _row(seed, "pck_auc", 60.0, "%"),
    ]
    write_table(folder / "metrics.parquet", "metrics", rows)
    record.reading({"predictions": folder / "predictions.parquet"}).certify(
        [folder / "metrics.parquet"],
        recipe={"settings": {}},
        seed=seed,
    )


def _row(seed: int, metric: str, value: float, unit: str) -> dict:
    columns = {"method": "simhand", "set": "mine", "weighting": "none", "top_k": 1, "init": "random"}
    columns |= {"dataset": "toy", "label_fraction": 1.0, "protocol": "simhand"}
    measured = {"metric": metric, "value": value, "low": value - 1, "high": value + 1, "unit": unit}
    return {"experiment": experiment(seed), "seed": seed, **columns, **measured, "samples": 8, "failures": 0}
