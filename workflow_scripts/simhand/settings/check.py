"""Checks a raw configuration whole: every problem at once, each with its place and a hint."""

import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from simhand.errors import ConfigError
from simhand.settings.config import Config
from simhand.settings.references import dangling_references
from simhand.settings.section import PRESETS, Preset, Section, preset_defaults, sections_in


@dataclass(frozen=True)
class Problem:
    """One thing wrong with a configuration: where, what, and a hint at what to do."""

    path: str
    message: str
    hint: str = ""

    def __str__(self) -> str:
        return f"  {self.path}: {self.message}" + (f" ({self.hint})" if self.hint else "")


def load_config(raw: Mapping[str, Any]) -> Config:
    """Check ``raw`` and return the configuration with every default and preset filled in.

    Raises:
        ConfigError: lists every problem, not only the first.
    """
    problems: list[Problem] = []
    config = None
    try:
        config = Config.model_validate(with_presets(raw))
    except ValidationError as error:
        problems += [_describe(raw, dict(entry)) for entry in error.errors()]
    problems += [
        Problem(path, message, _nearest(word, known))
        for path, message, word, known in dangling_references(raw)
    ]
    if problems or config is None:
        listing = "\n".join(map(str, dict.fromkeys(problems)))
        raise ConfigError(f"the configuration cannot be run, {len(set(problems))} problem(s):\n{listing}")
    return config


def with_presets(raw: Mapping[str, Any]) -> dict[str, Any]:
    """``raw`` with the switches that it leaves open set as its preset says."""
    preset: Preset = raw["preset"] if raw.get("preset") in PRESETS else "ours"
    filled = dict(raw)
    for name, field in Config.model_fields.items():
        model = field.annotation
        if isinstance(model, type) and issubclass(model, Section) and isinstance(raw.get(name, {}), Mapping):
            filled[name] = {**preset_defaults(model, preset), **raw.get(name, {})}
    return filled


def inferred_switches(raw: Mapping[str, Any]) -> list[str]:
    """The switches that preset ``paper`` takes from the release because the paper says nothing of them."""
    found = [
        f"{_path(('experiments', table, index))} (preset paper): see the preset's switches in the README"
        for table, rows in raw.get("experiments", {}).items()
        for index, row in enumerate(rows)
        if row.get("preset") == "paper"
    ]
    if raw.get("preset") != "paper":
        return found
    for name, field in Config.model_fields.items():
        for model in sections_in(field.annotation):
            for key, entry in model.model_fields.items():
                extra: Any = entry.json_schema_extra
                given = isinstance(raw.get(name), Mapping) and key in raw[name]
                if extra and extra.get("paper_inferred") and not given:
                    found.append(f"{name}.{key} = {extra['presets']['paper']}")
    return found


def _describe(raw: Any, entry: dict[str, Any]) -> Problem:
    location = _location_in(raw, entry["loc"])
    path = _path(location)
    if entry["type"] == "extra_forbidden":
        known = _known_keys(location)
        if location[-1] in known:
            return Problem(path, "not a key of this kind", f"is {_path(location[:-1])}.kind as it should be?")
        return Problem(path, "unknown key", _nearest(str(location[-1]), known))
    if entry["type"] == "missing":
        return Problem(f"{path}.{entry['loc'][-1]}".lstrip("."), "is missing", "give it a value")
    if entry["type"] == "value_error":
        return Problem(path, entry["msg"].removeprefix("Value error, "))
    choices = re.findall(r"'([^']+)'", str(entry.get("ctx", {}).get("expected", "")))
    return Problem(path, f"{entry['msg']}, found {entry['input']!r}", _nearest(str(entry["input"]), choices))


def _path(location: Iterable[Any]) -> str:
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location).lstrip(".")


def _location_in(raw: Any, location: tuple[Any, ...]) -> list[Any]:
    """The part of a pydantic location that exists in ``raw``: names of union members are left out."""
    found: list[Any] = []
    for part in location:
        inside_list = isinstance(raw, list) and isinstance(part, int) and part < len(raw)
        if inside_list or (isinstance(raw, Mapping) and part in raw):
            found.append(part)
            raw = raw[part]
    return found


def _nearest(word: str, known: list[str]) -> str:
    close = difflib.get_close_matches(word, known, n=1, cutoff=0.5)
    return f"did you mean '{close[0]}'?" if close else (f"known: {', '.join(known)}" if known else "")


def _known_keys(location: list[Any]) -> list[str]:
    """The keys of the sections below the top-level key where an unknown one was found."""
    if len(location) == 1:
        return list(Config.model_fields)
    models = sections_in(Config.model_fields[location[0]].annotation)
    return sorted({name for model in models for name in model.model_fields})
