"""What the name of an experiment says; :func:`simhand.settings.experiments.expand_row` writes the names."""

import re

from simhand.settings.experiments import METHODS, WEAKLY_SUPERVISED

# No part but these holds an underscore.
PRETRAINED = re.compile(
    rf"(?P<method>{'|'.join([*METHODS, WEAKLY_SUPERVISED])})_(?P<set>[^_]+)_(?P<weighting>[^_]+)"
    r"(?:_top(?P<rank>[\d+]+))?_(?P<init>[^_]+)(?:_(?P<label>[^_]+))?_seed(?P<seed>\d+)"
)
NOT_PRETRAINED = re.compile(r"(?P<method>none)_(?P<init>[^_]+)(?:_(?P<label>[^_]+))?_seed(?P<seed>\d+)")
FINETUNED = re.compile(r"(?P<dataset>.+)_(?P<percent>[\d.]+)pct(?:_(?P<label>[^_]+))?")


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


def without_seed(experiment: str, seed: int) -> str:
    """The name of an experiment without its seed: what all of its seeds share."""
    return re.sub(rf"_seed{seed}(?=__|$)", "", experiment)


def without_dataset(experiment: str, dataset: str) -> str:
    """The name of an experiment without its data set: what it shares with those on other data sets."""
    return experiment.replace(f"__{dataset}_", "__", 1)


def without_share(experiment: str, label_fraction: float) -> str:
    """The name of an experiment without its share of the labels: what it shares with those on others."""
    return experiment.replace(f"_{100 * label_fraction:g}pct", "")


def several_ranks(experiment: str) -> str | None:
    """The ranks that an experiment learns from at once, such as ``1+2+5``; None if it does not."""
    found = re.search(r"_top(\d[\d+]+)_", experiment)
    return found[1] if found else None
