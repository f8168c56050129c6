"""Which function reads a data set, by its kind."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from simhand.datasets import assemblyhands, dexycb_splits
from simhand.datasets.assemblyhands import load_assemblyhands
from simhand.datasets.dexycb import load_dexycb
from simhand.datasets.freihand import Split, load_freihand
from simhand.datasets.label_cache import LabelCache
from simhand.datasets.samples import HandSamples
from simhand.settings.datasets import (
    AssemblyhandsSettings,
    DexycbSettings,
    FreihandSettings,
    RenderedSettings,
)

Loader = Callable[[Path, Any, Split, LabelCache], HandSamples]
"""Reads the images below a root to learn from (``training``) or to predict (``evaluation``)."""


def _freihand(
    root: Path, dataset: FreihandSettings | RenderedSettings, part: Split, cache: LabelCache
) -> HandSamples:
    return load_freihand(root, part, dataset.scale_source == "dataset")


def _dexycb(root: Path, dataset: DexycbSettings, part: Split, cache: LabelCache) -> HandSamples:
    split: dexycb_splits.Split = "train" if part == "training" else dataset.evaluation_split
    return load_dexycb(root, dataset.setup, split, dataset.frames, cache)


def _assemblyhands(root: Path, dataset: AssemblyhandsSettings, part: Split, cache: LabelCache) -> HandSamples:
    split: assemblyhands.Split = "train" if part == "training" else "val"
    return load_assemblyhands(root, split, dataset.crop_factor, dataset.valid_joints, cache)


def _rendered(root: Path, dataset: RenderedSettings, part: Split, cache: LabelCache) -> HandSamples:
    is_training = part == "training"
    if dataset.layout == "dexycb":
        extent = dexycb_splits.RENDERED
        return load_dexycb(root, "s1", "train" if is_training else "test", "labelled", cache, extent)
    if dataset.layout == "assemblyhands":
        split: assemblyhands.Split = "train" if is_training else "val"
        return load_assemblyhands(root, split, dataset.crop_factor, "annotated", cache)
    return _freihand(root, dataset, part, cache)


# By the kind of a data set.
LOADERS: dict[str, Loader] = {
    "freihand": _freihand,
    "dexycb": _dexycb,
    "assemblyhands": _assemblyhands,
    "rendered": _rendered,
}
