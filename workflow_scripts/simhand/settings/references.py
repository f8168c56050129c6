"""Names that one part of the configuration uses and no other part defines."""

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import ValidationError

from simhand.settings.evaluation import EvaluationSettings
from simhand.settings.experiment_groups import TABLE_PROTOCOL
from simhand.settings.experiments import (
    METHOD_TITLES,
    METHODS,
    Experiment,
    ExperimentRow,
    expand_row,
    ranks_of,
)
from simhand.settings.finetune import FinetuneSettings
from simhand.settings.hand_object_detector import WHERE_TO_GET
from simhand.settings.pairs import PairsSettings
from simhand.settings.pca import PcaSettings
from simhand.settings.pretrain import PretrainSettings
from simhand.settings.section import PRESETS, Preset, Section, preset_defaults

OVERRIDDEN: dict[str, type[Section]] = {"pretrain": PretrainSettings, "finetune": FinetuneSettings}
"""The sections that a row of the experiment grid may override."""

Dangling = tuple[str, str, str, list[str]]
"""Path in the configuration, message, the word that was not found, the words that would have been."""


def dangling_references(raw: Mapping[str, Any]) -> Iterator[Dangling]:
    """Every reference in ``raw`` to a source, set, data set, rank or setting that is not there.

    Works on the raw configuration, part by part, so that a mistake elsewhere hides nothing.
    """
    yield from _in_sets(raw)
    yield from _beyond_sets(raw)
    yield from _in_detector(raw)
    yield from _in_protocols(raw)
    yield from _in_imported_predictions(raw)
    named: dict[str, dict[str, Any]] = {}
    for path, row in _rows(raw):
        for section, model in OVERRIDDEN.items():
            yield from _in_overrides(f"{path}.{section}", model, raw, row, getattr(row, section))
        for experiment in expand_row(row, [0]):
            yield from _in_experiment(raw, path, experiment)
            yield from _ambiguous(path, experiment, named)


def _in_imported_predictions(raw: Mapping[str, Any]) -> Iterator[Dangling]:
    datasets = list(_mapping(raw, "datasets"))
    for name, model in _mapping(raw, "imported_predictions").items():
        if name in METHOD_TITLES:
            message = f"'{name}' is a method of the experiments, and tables tell models by it; choose another"
            yield f"imported_predictions.{name}", f"{message} name", "", []
        dataset = model.get("dataset") if isinstance(model, Mapping) else None
        if isinstance(dataset, str) and dataset not in datasets:
            path = f"imported_predictions.{name}.dataset"
            yield path, f"no data set '{dataset}'", dataset, datasets


def _in_experiment(raw: Mapping[str, Any], path: str, experiment: Experiment) -> Iterator[Dangling]:
    finetune, pretrain = experiment.finetune, experiment.pretrain
    datasets, sets = list(_mapping(raw, "datasets")), list(_mapping(raw, "sets"))
    if finetune.dataset not in datasets:
        yield f"{path}.dataset", f"no data set '{finetune.dataset}'", finetune.dataset, datasets
    if not 0 < finetune.label_fraction <= 1:
        message = f"must be above 0 and at most 1, found {finetune.label_fraction}"
        yield f"{path}.label_fraction", message, "", []
    if finetune.set is not None and finetune.set not in sets:
        yield f"{path}.set", f"no set '{finetune.set}'", finetune.set, sets
    chosen = _mapping(_mapping(raw, "sets"), pretrain.set) if pretrain else {}
    if pretrain is None or METHODS[pretrain.method].pairs != "similar":
        return
    if chosen.get("positives") == "adjacent":
        method, name = pretrain.method, pretrain.set
        message = f"{method} learns from similar hands, but the pairs of '{name}' are adjacent frames"
        yield f"{path}.set", message, "", []
    where, ranks = _ranks(raw, pretrain.set)
    for rank in ranks_of(pretrain.top_k):
        if chosen.get("kind", "sampled") == "sampled" and rank not in ranks:
            yield f"{path}.top_k", f"rank {rank} is not mined; add it to {where} {ranks}", "", []


def _ambiguous(path: str, experiment: Experiment, named: dict[str, dict[str, Any]]) -> Iterator[Dangling]:
    """Two experiments that would share a folder although they differ."""
    row = experiment.row
    meanings = {experiment.finetune.name: {"preset": row.preset, "finetune": row.finetune}}
    meanings[experiment.finetune.name] |= experiment.finetune.model_dump()
    if experiment.pretrain:
        overrides = {"preset": row.preset, "pretrain": row.pretrain}
        meanings[experiment.pretrain.name] = overrides | experiment.pretrain.model_dump()
    for name, meaning in meanings.items():
        if named.setdefault(name, meaning) != meaning:
            message = f"'{name}' stands for another experiment already; give this row its own `label`"
            yield path, message, "", []


def _in_sets(raw: Mapping[str, Any]) -> Iterator[Dangling]:
    sources = ["videos"] if raw.get("videos_dir") else list(_mapping(raw, "sources"))
    for name, settings in _mapping(raw, "sets").items():
        if isinstance(settings, Mapping) and settings.get("kind") == "hand100m" and name in sources:
            yield f"sets.{name}", "a source has this name already; give the imported set another", "", []
        named = settings.get("sources", "all") if isinstance(settings, Mapping) else "all"
        for source in named if isinstance(named, list) else []:
            if source not in sources:
                yield f"sets.{name}.sources", f"no source '{source}'", str(source), sources


def _beyond_sets(raw: Mapping[str, Any]) -> Iterator[Dangling]:
    """Ranks and dimensions that a set of known size cannot hold; how many it really does, mining sees."""
    dimensions = _mapping(raw, "pca").get("dimensions", PcaSettings().dimensions)
    for name, settings in _mapping(raw, "sets").items():
        size = settings.get("size") if isinstance(settings, Mapping) else None
        if not isinstance(size, int):
            continue
        others = f"sets.{name} has {size} hands, so a hand has at most {size - 1} others"
        where, ranks = _ranks(raw, name)
        deepest = max((rank for rank in ranks if isinstance(rank, int)), default=0)
        if deepest >= size:
            yield where, f"rank {deepest}, but {others}; lower the rank or enlarge the set", "", []
        if isinstance(dimensions, int) and dimensions >= size:
            message = f"{dimensions}, but the {size} hands of sets.{name} span at most {size - 1}"
            yield "pca.dimensions", f"{message}; lower it or enlarge the set", "", []


def _in_protocols(raw: Mapping[str, Any]) -> Iterator[Dangling]:
    """Tables and Figure 4 show one protocol, which must be measured then."""
    protocols = _mapping(raw, "evaluation").get("protocols", EvaluationSettings().protocols)
    if isinstance(protocols, list) and TABLE_PROTOCOL not in protocols and _mapping(raw, "experiments"):
        message = f"lacks {TABLE_PROTOCOL}, which the tables of `experiments` show; add it"
        yield "evaluation.protocols", message, "", []


def _in_detector(raw: Mapping[str, Any]) -> Iterator[Dangling]:
    chosen = _mapping(raw, "crops").get("detector") == "hand_object_detector"
    if chosen and not _mapping(raw, "hand_object_detector").get("weights"):
        message = f"names no file, but crops.detector is hand_object_detector. {WHERE_TO_GET}"
        yield "hand_object_detector.weights", message, "", []


def _rows(raw: Mapping[str, Any]) -> Iterator[tuple[str, ExperimentRow]]:
    """The rows of the experiment grid that are well formed by themselves."""
    for table, rows in _mapping(raw, "experiments").items():
        for index, row in enumerate(rows if isinstance(rows, list) else []):
            try:
                yield f"experiments.{table}[{index}]", ExperimentRow.model_validate(row)
            except ValidationError:
                continue


def _in_overrides(
    path: str, model: type[Section], raw: Mapping[str, Any], row: ExperimentRow, overrides: dict[str, Any]
) -> Iterator[Dangling]:
    """What is wrong with the overrides of a row on top of the section that they change."""
    preset: Preset = raw["preset"] if raw.get("preset") in PRESETS else "ours"
    section = {**preset_defaults(model, preset), **_mapping(raw, path.rsplit(".", 1)[-1])}
    if row.preset:
        section |= preset_defaults(model, row.preset)
    if not overrides or list(_problems(model, section)):
        return
    for entry in _problems(model, {**section, **overrides}):
        key = str(entry["loc"][0]) if entry["loc"] else ""
        unknown = entry["type"] == "extra_forbidden"
        message = "unknown key" if unknown else f"{entry['msg']}, found {entry['input']!r}"
        yield f"{path}.{key}".rstrip("."), message, key, list(model.model_fields) if unknown else []


def _problems(model: type[Section], values: Mapping[str, Any]) -> list[dict[str, Any]]:
    try:
        model.model_validate(values)
    except ValidationError as error:
        return [dict(entry) for entry in error.errors()]
    return []


def _ranks(raw: Mapping[str, Any], name: str) -> tuple[str, list[Any]]:
    """The key that says which ranks are mined of set ``name``, and the ranks.

    No ranks if they are no list, which the check of their section reports.
    """
    own = _mapping(_mapping(raw, "sets"), name).get("ranks")
    ranks = _mapping(raw, "pairs").get("ranks", PairsSettings().ranks) if own is None else own
    where = "pairs.ranks" if own is None else f"sets.{name}.ranks"
    return where, ranks if isinstance(ranks, list) else []


def _mapping(raw: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = raw.get(key)
    return value if isinstance(value, Mapping) else {}
