"""Short names for experiments: only what tells them apart."""

import re
from collections.abc import Sequence

from simhand.settings.experiments import METHOD_TITLES, METHODS, WEAKLY_SUPERVISED

# As simhand.settings.experiments writes them; no part but these holds an underscore.
PRETRAINED = re.compile(
    rf"(?P<method>{'|'.join([*METHODS, WEAKLY_SUPERVISED])})_(?P<set>[^_]+)_(?P<weighting>[^_]+)"
    r"(?:_top(?P<rank>[\d+]+))?_(?P<init>[^_]+)(?:_(?P<label>[^_]+))?_seed(?P<seed>\d+)"
)
NOT_PRETRAINED = re.compile(r"(?P<method>none)_(?P<init>[^_]+)(?:_(?P<label>[^_]+))?_seed(?P<seed>\d+)")
FINETUNED = re.compile(r"(?P<dataset>.+)_(?P<percent>[\d.]+)pct(?:_(?P<label>[^_]+))?")

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


def experiment_parts(name: str) -> dict[str, str]:
    """What the name of an experiment says; a name of another form is its own label."""
    start, _, finetuned = name.partition("__")
    found = PRETRAINED.fullmatch(start) or NOT_PRETRAINED.fullmatch(start)
    if found is None:
        return {"label": name}
    endings = [FINETUNED.fullmatch(finetuned)] if finetuned else []
    groups = [match.groupdict() for match in (found, *endings) if match]
    parts = {key: value for group in groups for key, value in group.items() if value is not None}
    if parts.get("weighting") == "none":
        del parts["weighting"]
    return parts


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
