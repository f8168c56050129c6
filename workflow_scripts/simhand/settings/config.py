"""The whole configuration: its sections, the checks between them, and what the DAG reads from it."""

from functools import cached_property
from typing import Annotated, Any, TypeVar

from pydantic import Field

from simhand.settings.adjacent_pairs import AdjacentPairsSettings
from simhand.settings.crops import CropsSettings
from simhand.settings.datasets import DatasetSettings, Layout, layout_of
from simhand.settings.evaluation import EvaluationSettings
from simhand.settings.experiment_groups import GroupName, is_table
from simhand.settings.experiments import (
    NAME_PATTERN,
    Experiment,
    ExperimentRow,
    PretrainExperiment,
    expand_row,
)
from simhand.settings.finetune import FinetuneSettings
from simhand.settings.frames import FramesSettings
from simhand.settings.groups import GroupsSettings
from simhand.settings.hand_object_detector import HandObjectDetectorSettings
from simhand.settings.imported_predictions import ImportedModel, ImportedPredictionsSettings
from simhand.settings.imported_sets import AnySetSettings
from simhand.settings.keypoints import KeypointsSettings
from simhand.settings.pairs import PairsSettings
from simhand.settings.pca import PcaSettings
from simhand.settings.preflight import PreflightSettings
from simhand.settings.pretrain import PretrainSettings
from simhand.settings.report import ReportSettings
from simhand.settings.section import Preset, Section, preset_defaults
from simhand.settings.sources import FolderSource, SourceSettings
from simhand.settings.world import WorldSettings

SectionType = TypeVar("SectionType", bound=Section)
Name = Annotated[str, Field(pattern=f"^{NAME_PATTERN}$")]


class Config(Section):
    """Everything a run can be told; the defaults of the sections are the paper's recipe."""

    run: Name = Field("demo", description="name of the run: everything is written under results/<run>/")
    preset: Preset = Field("ours", description="default of every switch: ours, paper or release")
    seeds: list[int] = Field(
        [0], min_length=1, description="seeds of the experiments; tables show mean and spread"
    )
    videos_dir: str | None = Field(
        None,
        description="a folder of your own videos; short for `sources: {videos: {kind: folder, path: ...}}`",
    )
    sources: dict[Name, SourceSettings] = Field(default_factory=dict, description="where videos come from")
    shard_size: int = Field(128, gt=0, description="videos per shard; one job works through one shard")
    world: WorldSettings = Field(default_factory=WorldSettings, description="the rendered demo world")
    frames: FramesSettings = Field(default_factory=FramesSettings, description="videos to frames")
    hand_object_detector: HandObjectDetectorSettings = Field(
        default_factory=HandObjectDetectorSettings, description="frames to hands and objects, where chosen"
    )
    crops: CropsSettings = Field(default_factory=CropsSettings, description="frames to hand crops")
    keypoints: KeypointsSettings = Field(
        default_factory=KeypointsSettings, description="crops to 2D keypoints"
    )
    groups: GroupsSettings = Field(
        default_factory=GroupsSettings, description="which videos are one recording"
    )
    set_seed: int = Field(0, description="seed of the sampling of the pre-training sets")
    sets: dict[Name, AnySetSettings] = Field(default_factory=dict, description="the pre-training sets")
    pca: PcaSettings = Field(default_factory=PcaSettings, description="pose embedding")
    pairs: PairsSettings = Field(default_factory=PairsSettings, description="mining of similar hands")
    adjacent_pairs: AdjacentPairsSettings = Field(
        default_factory=AdjacentPairsSettings, description="pairs of adjacent frames"
    )
    pretrain: PretrainSettings = Field(
        default_factory=PretrainSettings, description="contrastive pre-training"
    )
    datasets: dict[Name, DatasetSettings] = Field(default_factory=dict, description="labelled data sets")
    finetune: FinetuneSettings = Field(default_factory=FinetuneSettings, description="fine-tuning of DetNet")
    evaluation: EvaluationSettings = Field(default_factory=EvaluationSettings, description="metrics")
    imported_predictions: dict[Name, ImportedPredictionsSettings] = Field(
        default_factory=dict, description="predictions made elsewhere, each a model of its own to measure"
    )
    report: ReportSettings = Field(default_factory=ReportSettings, description="figures and report")
    preflight: PreflightSettings = Field(
        default_factory=PreflightSettings, description="what to check before a long run"
    )
    experiments: dict[GroupName, Annotated[list[ExperimentRow], Field(min_length=1)]] = Field(
        default_factory=dict,
        description="the experiments behind `table1` ... `table8`, `figure4`, `figure5`, `figure7`, and of"
        " groups of any other name, which get a table of their own; a new row is a few lines, and what"
        " several rows need is done once",
    )

    def all_sources(self) -> dict[str, SourceSettings]:
        """The sources of this run: ``videos_dir`` where given, else ``sources``."""
        if self.videos_dir is not None:
            return {"videos": FolderSource(kind="folder", path=self.videos_dir)}
        return dict(self.sources)

    def tables(self) -> list[str]:
        """The groups of experiments that are shown as tables."""
        return [group for group in self.experiments if is_table(group)]

    def imported_models(self) -> dict[str, ImportedModel]:
        """The models whose predictions were made elsewhere, by name."""
        return {
            name: ImportedModel(name=name, **chosen.model_dump())
            for name, chosen in self.imported_predictions.items()
        }

    def layouts(self) -> dict[str, Layout]:
        """Which labelled data set of the paper each of ours is, or, rendered, imitates."""
        return {name: layout_of(chosen) for name, chosen in self.datasets.items()}

    def pairs_settings(self, name: str) -> PairsSettings:
        """The settings of the mining of set ``name``, which may have ranks of its own."""
        ranks = getattr(self.sets[name], "ranks", None)
        return self.pairs if ranks is None else self.pairs.model_copy(update={"ranks": ranks})

    def all_experiments(self, group: str | None = None) -> list[Experiment]:
        """The experiments of ``group`` (None: of all groups), each once, in config order."""
        rows = [row for name, rows in self.experiments.items() if group in (None, name) for row in rows]
        found = [experiment for row in rows for experiment in expand_row(row, self.seeds)]
        return list({experiment.finetune.name: experiment for experiment in found}.values())

    def pretrain_experiments(self) -> dict[str, PretrainExperiment]:
        """Every pre-training that some experiment starts from, by name."""
        found = [experiment.pretrain for experiment in self.all_experiments()]
        return {pretrain.name: pretrain for pretrain in found if pretrain is not None}

    def pretrain_settings(self, name: str) -> PretrainSettings:
        """The settings of pre-training ``name``, with the overrides of its row."""
        return _overridden(self.pretrain, self.rows_by_name[name].preset, self.rows_by_name[name].pretrain)

    def finetune_settings(self, name: str) -> FinetuneSettings:
        """The settings of fine-tuning ``name``, with the overrides of its row."""
        return _overridden(self.finetune, self.rows_by_name[name].preset, self.rows_by_name[name].finetune)

    @cached_property
    def rows_by_name(self) -> dict[str, ExperimentRow]:
        """The row that each pre-training and fine-tuning comes from, by its name."""
        rows: dict[str, ExperimentRow] = {}
        for experiment in self.all_experiments():
            rows[experiment.finetune.name] = experiment.row
            if experiment.pretrain:
                rows.setdefault(experiment.pretrain.name, experiment.row)
        return rows


def _overridden(section: SectionType, preset: Preset | None, overrides: dict[str, Any]) -> SectionType:
    switches = preset_defaults(type(section), preset) if preset else {}
    return type(section).model_validate({**section.model_dump(), **switches, **overrides})
