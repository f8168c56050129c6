"""Which function reads a data set, by its kind."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from simhand.finetuning import assemblyhands, dexycb_splits
from simhand.finetuning.assemblyhands import load_assemblyhands
from simhand.finetuning.dexycb import load_dexycb
from simhand.finetuning.freihand import Split, load_freihand
from simhand.finetuning.samples import HandSamples
from simhand.finetuning.scans import Scans
from simhand.settings.datasets import (
    AssemblyhandsSettings,
    DexycbSettings,
    FreihandSettings,
    RenderedSettings,
)

Loader = Callable[[Path, Any, Split, Scans], HandSamples]
"""Reads the images below a root to learn from (``training``) or to predict (``evaluation``)."""


def _freihand(
    root: Path, dataset: FreihandSettings | RenderedSettings, part: Split, scans: Scans
) -> HandSamples:
    return load_freihand(root, part, dataset.scale_source == "dataset")


def _dexycb(root: Path, dataset: DexycbSettings, part: Split, scans: Scans) -> HandSamples:
    split: dexycb_splits.Split = "train" if part == "training" else dataset.evaluation_split
    return load_dexycb(root, dataset.setup, split, dataset.frames, scans)


def _assemblyhands(root: Path, dataset: AssemblyhandsSettings, part: Split, scans: Scans) -> HandSamples:
    split: assemblyhands.Split = "train" if part == "training" else "val"
    return load_assemblyhands(root, split, dataset.crop_factor, dataset.valid_joints, scans)


def _rendered(root: Path, dataset: RenderedSettings, part: Split, scans: Scans) -> HandSamples:
    is_training = part == "training"
    if dataset.layout == "dexycb":
        extent = dexycb_splits.RENDERED
        return load_dexycb(root, "s1", "train" if is_training else "test", "labelled", scans, extent)
    if dataset.layout == "assemblyhands":
        split: assemblyhands.Split = "train" if is_training else "val"
        return load_assemblyhands(root, split, dataset.crop_factor, "annotated", scans)
    return _freihand(root, dataset, part, scans)


# By the kind of a data set.
LOADERS: dict[str, Loader] = {
    "freihand": _freihand,
    "dexycb": _dexycb,
    "assemblyhands": _assemblyhands,
    "rendered": _rendered,
}
