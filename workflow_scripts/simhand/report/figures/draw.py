"""All figures of a run, and the index that tells the report what there is."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from simhand.files.atomic import write_bytes, write_text
from simhand.report.figures.curves import draw_finetuning, draw_pretraining
from simhand.report.figures.dag import draw_dag
from simhand.report.figures.hands_3d import hands_to_turn
from simhand.report.figures.methods import draw_comparison
from simhand.report.figures.mining import draw_distances, draw_pca
from simhand.report.figures.pairs import draw_pairs, draw_ranks
from simhand.report.figures.paper import PAPER_FIGURES, entry_of
from simhand.report.figures.photographs import draw_crops, draw_frames
from simhand.report.figures.predictions import draw_failures, draw_predictions
from simhand.report.figures.style import Figure
from simhand.report.figures.timeline import draw_timeline
from simhand.report.mined_set import MinedSet
from simhand.report.run_folder import RunFolder
from simhand.settings.report import ReportSettings

INDEX = "index.json"
HANDS_3D = "hands_3d.json"


@dataclass(frozen=True)
class RunParts:
    """Names of what a run consists of: ``<source>/<shard>``, sets, pre-trainings and fine-tunings.

    ``frames`` are those of the ``sources`` whose frames are kept; ``paper`` are figures of the paper that
    are drawn already.
    """

    sources: Sequence[str]
    frames: Sequence[str]
    sets: Sequence[str]
    pretrain: Sequence[str]
    finetune: Sequence[str]
    paper: Sequence[str] = ()


def draw_all(run_dir: Path, parts: RunParts, settings: ReportSettings) -> Iterator[Figure]:
    """Every figure that this run has the data for, in the order of the report."""
    yield draw_dag(RunFolder.open(run_dir), parts.sets, parts.pretrain, parts.finetune)
    possible = [
        draw_frames(run_dir, parts.frames, settings.example_frames),
        draw_crops(run_dir, parts.sources, settings.example_crops),
    ]
    for name in parts.sets:
        mined = MinedSet.load(run_dir, name)
        possible += [
            draw_pca(run_dir, name),
            draw_pairs(mined, settings.example_pairs),
            draw_ranks(mined, settings.example_queries),
            draw_timeline(mined),
            draw_distances(mined),
        ]
    possible += [
        draw_pretraining(run_dir, parts.pretrain),
        draw_finetuning(run_dir, parts.finetune),
        draw_comparison(run_dir, parts.finetune, settings.example_predictions),
        *draw_predictions(run_dir, parts.finetune, settings.example_predictions),
        draw_failures(run_dir, parts.finetune, settings.example_failures),
    ]
    yield from (figure for figure in possible if figure is not None)


def write_figures(run_dir: Path, folder: Path, parts: RunParts, settings: ReportSettings) -> None:
    """Write figures/*.png and, at last, their index, in which the paper's figures stand too.

    Pictures of earlier runs are removed, but for the paper's figures, which have been drawn one by one.
    """
    entries = []
    for figure in draw_all(run_dir, parts, settings):
        write_bytes(folder / f"{figure.name}.png", figure.png)
        entries.append(entry_of(figure))
    entries += [json.loads((folder / f"{name}.json").read_text(encoding="utf-8")) for name in parts.paper]
    drawn = {entry["name"] for entry in entries} | PAPER_FIGURES.keys()
    for path in folder.glob("*.png"):
        if path.stem not in drawn:
            path.unlink()
    hands = hands_to_turn(run_dir, parts.finetune, settings.example_predictions)
    if hands is None:
        (folder / HANDS_3D).unlink(missing_ok=True)
    else:
        write_text(folder / HANDS_3D, json.dumps(hands, separators=(",", ":")) + "\n")
    index = {"parts": asdict(parts), "figures": entries}
    write_text(folder / INDEX, json.dumps(index, indent=2, ensure_ascii=False) + "\n")
