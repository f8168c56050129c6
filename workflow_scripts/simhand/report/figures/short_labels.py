"""Short names for experiments: only what tells them apart."""

from collections.abc import Sequence

from simhand.settings.experiment_names import experiment_parts
from simhand.settings.experiments import METHOD_TITLES

WORDS = {
    "set": "{}",
    "weighting": "weighted ({})",
    "rank": "top-{}",
    "init": "from {}",
    "label": "{}",
    "seed": "seed {}",
    "dataset": "on {}",
    "percent": "{} % of labels",
}


def short_labels(names: Sequence[str]) -> list[str]:
    """A label for each experiment: its method, and whatever is not the same for all of them."""
    parts = [experiment_parts(name) for name in names]
    varying = [key for key in WORDS if len({part[key] for part in parts if key in part}) > 1]
    if any("weighting" in part for part in parts):
        varying.append("weighting")
    return [_label(part, varying) for part in parts]


def _label(parts: dict[str, str], varying: Sequence[str]) -> str:
    if "method" not in parts:
        return parts["label"]
    words = [WORDS[key].format(parts[key]) for key in WORDS if key in varying and key in parts]
    title = METHOD_TITLES[parts["method"]]
    return ", ".join([title, *words]).replace("weighted (both)", "weighted")
