"""The report: everything a run has to show, on one self-contained page."""

import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import yaml
from markupsafe import Markup

from simhand.errors import DataError
from simhand.report.embedded_images import EmbeddedImage, embed
from simhand.report.notice import notice
from simhand.report.origin import headline, origin
from simhand.report.run_folder import RunFolder
from simhand.report.run_statistics import (
    SetRow,
    SourceRow,
    incidents,
    partner_rows,
    set_rows,
    source_rows,
    stage_times,
)
from simhand.report.templating import render
from simhand.settings.report import ReportSettings

EFFICIENCY_FOLDER = "slurm-efficiency"
"""Beside the runs, as slurm/profile.yaml names it."""

SECTIONS = {
    "workflow": "Workflow",
    "data": "Videos, frames and hands",
    "mining": "Similar hands",
    "pretraining": "Pre-training",
    "finetuning": "Fine-tuning",
    "tables": "Results beside the paper",
    "predictions": "Predictions",
    "failures": "Failures",
    "times": "Run times",
    "files": "Files",
    "provenance": "Where these numbers come from",
}
FILES_OF_SET = {"sets": ["parquet"], "pairs": ["parquet", "json"], "pca": ["npz", "json"]}


@dataclass(frozen=True)
class PageFigure:
    """A numbered figure of the page."""

    number: int
    name: str
    section: str
    title: str
    caption: str
    image: EmbeddedImage


def build_report(
    run_dir: Path, provenance_file: Path, settings: ReportSettings, tables: Sequence[str]
) -> str:
    """The report of the run at ``run_dir`` as HTML without any external resource.

    Args:
        run_dir: results/<run>.
        provenance_file: provenance.json of the run.
        settings: section ``report``.
        tables: names of the tables that its configuration asks for; of others that lie there it is said
            that they are not shown.

    Raises:
        DataError: the index of the videos, the figures, the provenance or a table is missing or damaged.
    """
    run = RunFolder.open(run_dir)
    index = _read_json(run_dir / "figures" / "index.json", "run draw_figures first")
    provenance = _read_json(provenance_file, "run record_provenance first")
    parts = index["parts"]
    sources, sets = source_rows(run), set_rows(run, parts["sets"])
    values = {
        "run_name": run_dir.resolve().name,
        "facts": headline(provenance),
        "notices": [text for text in (notice(provenance.get("config") or {}), settings.notice) if text],
        "numbers": _numbers(sources, sets, parts),
        "sources": sources,
        "sets": sets,
        "partners": partner_rows(run, parts["sets"]),
        "pair_pages": {
            row.name: page for row in sets if (run_dir / (page := f"pairs_{row.name}.html")).exists()
        },
        "incidents": incidents(run),
        "tables": [_table(run_dir / "tables" / f"{name}.html") for name in tables],
        "other_tables": [
            name for name in _names(run_dir, "tables", "*.html") if Path(name).stem not in tables
        ],
        "times": stage_times(run_dir / "benchmarks"),
        "efficiency": _efficiency_reports(run_dir),
        "files": list(_files(run_dir, parts, tables)),
        "provenance": provenance,
        "origin": origin(provenance),
        "packages": provenance.get("packages") or {},
        "config": yaml.safe_dump(provenance.get("config"), sort_keys=False, allow_unicode=True, width=100),
        "hands_3d": _hands_3d(run_dir / "figures" / "hands_3d.json"),
        "figures": list(_figures(run_dir / "figures", index["figures"], settings.jpeg_quality)),
    }
    return render("report.html.j2", settings=settings, sections=SECTIONS, duration=duration, **values)


def duration(seconds: float) -> str:
    """Seconds as a person says them: ``42.5 s``, ``3 min 05 s``, ``2 h 10 min``."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    return f"{minutes // 60} h {minutes % 60:02d} min"


def _numbers(sources: list[SourceRow], sets: list[SetRow], parts: dict[str, list[str]]) -> dict[str, int]:
    """What stands in large type at the top."""
    return {
        "videos": sum(row.videos for row in sources),
        "frames": sum(row.frames for row in sources),
        "hands": sum(row.hands for row in sources),
        "mined pairs": sum(row.pairs for row in sets),
        "encoders": len(parts["pretrain"]),
        "models": len(parts["finetune"]),
    }


def _figures(folder: Path, entries: list[dict[str, Any]], jpeg_quality: int) -> Iterator[PageFigure]:
    for number, entry in enumerate(entries, start=1):
        image = embed(folder / f"{entry['name']}.png", entry["photographs"], jpeg_quality)
        yield PageFigure(number, entry["name"], entry["section"], entry["title"], entry["caption"], image)


def _hands_3d(path: Path) -> Markup | None:
    """What the view in 3D shows, as JSON that is well-formed as the text of an element; None if nothing."""
    if not path.exists():
        return None
    hands = json.dumps(_read_json(path, "run draw_figures again"), separators=(",", ":"))
    return Markup(hands.replace("<", "\\u003c").replace("&", "\\u0026"))


def _table(path: Path) -> Markup:
    """The ``figure`` element of a table, which make_tables has written as a well-formed page."""
    try:
        figure = ElementTree.parse(path).getroot().find("body/figure")
    except FileNotFoundError as error:
        raise DataError(f"{path} does not exist; run make_tables first") from error
    except ElementTree.ParseError as error:
        raise DataError(
            f"{path} is not a table that make_tables wrote ({error}); run make_tables again"
        ) from error
    if figure is None:
        raise DataError(f"{path} holds no table; run make_tables again")
    return Markup(ElementTree.tostring(figure, encoding="unicode", short_empty_elements=False))


def _files(
    run_dir: Path, parts: dict[str, list[str]], tables: Sequence[str]
) -> Iterator[tuple[str, list[str]]]:
    """What a reader may want to open, as paths relative to the run folder; only what is there."""
    groups = {
        "Tables": [
            "metrics.parquet",
            *(name for table in tables for name in _names(run_dir, "tables", f"{table}.*")),
        ],
        "Mined sets": [
            f"{folder}/{name}.{suffix}"
            for name in parts["sets"]
            for folder, suffixes in FILES_OF_SET.items()
            for suffix in suffixes
        ],
        "Encoders": [
            f"pretrain/{name}/{file}"
            for name in parts["pretrain"]
            for file in ("encoder.safetensors", "README.md")
        ],
        "Models": [
            f"finetune/{name}/{file}"
            for name in parts["finetune"]
            for file in ("checkpoint.pt", "predictions.parquet")
        ],
        "Videos": ["videos.tsv", "videos/manifest.parquet", "videos/groups.parquet"],
        "Figures": _names(run_dir, "figures", "*.png"),
        "Provenance": ["provenance.json"],
    }
    for title, paths in groups.items():
        if existing := [path for path in paths if (run_dir / path).exists()]:
            yield title, existing


def _efficiency_reports(run_dir: Path) -> str | None:
    """The link to SLURM's efficiency reports, if this run has or will have one.

    Snakemake writes one at its own end, so that the first is not there when a job on a cluster writes this.
    """
    if "SLURM_JOB_ID" in os.environ or (run_dir.parent / EFFICIENCY_FOLDER).is_dir():
        return f"../{EFFICIENCY_FOLDER}/"
    return None


def _names(run_dir: Path, folder: str, pattern: str) -> list[str]:
    return sorted(f"{folder}/{path.name}" for path in (run_dir / folder).glob(pattern) if path.name[0] != ".")


def _read_json(path: Path, remedy: str) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise DataError(f"{path} does not exist; {remedy}") from error
    except json.JSONDecodeError as error:
        raise DataError(f"{path} is not JSON ({error}); {remedy}") from error
    if not isinstance(content, dict):
        raise DataError(f"{path} holds no mapping; {remedy}")
    return content
