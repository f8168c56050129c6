"""What a reader must know before the numbers: whether videos and labels are rendered."""

from collections.abc import Mapping
from typing import Any


def notice(config: Mapping[str, Any]) -> str | None:
    """The notice that a run's configuration calls for; None where nothing in it is rendered.

    Args:
        config: the whole configuration with every default, as provenance.json holds it.
    """
    sources = (config.get("sources") or {}) if config.get("videos_dir") is None else {}
    if rendered := _rendered(sources):
        return (
            f"The videos of {_listed('source', rendered)} are a rendered world, sized for small machines. "
            "The numbers show that the machinery works from end to end; they prove nothing about the method."
        )
    used = _finetuned_on(config)
    if rendered := [name for name in _rendered(config.get("datasets") or {}) if name in used]:
        return (
            f"The videos are real, but the labelled hands of {_listed('data set', rendered)} are rendered. "
            "Numbers of models fine-tuned and evaluated on them prove nothing about real hands."
        )
    return None


def _rendered(entries: Mapping[str, Mapping[str, Any]]) -> list[str]:
    return [name for name, entry in entries.items() if entry["kind"] == "rendered"]


def _finetuned_on(config: Mapping[str, Any]) -> set[str]:
    """The data sets that experiments use; a row of the grid names one or several."""
    rows = [row for rows in (config.get("experiments") or {}).values() for row in rows]
    named = [row["dataset"] for row in rows]
    return {name for names in named for name in (names if isinstance(names, list) else [names])}


def _listed(kind: str, names: list[str]) -> str:
    return f"{kind}{'s' if len(names) > 1 else ''} {', '.join(names)}"
