"""Base of every config section, and switches whose default depends on the preset."""

from collections.abc import Iterator
from typing import Any, ClassVar, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field

Preset = Literal["ours", "paper", "release"]
PRESETS: tuple[Preset, ...] = ("ours", "paper", "release")
SILENT = object()


class Section(BaseModel):
    """A config section: unknown keys are rejected and values cannot change after checking."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    without_effect: ClassVar[frozenset[str]] = frozenset()
    """Fields that change where, how fast and how closely watched one computes, but not what comes out."""

    def effective_json(self) -> str:
        """All fields but those without effect: what a result depends on."""
        return self.model_dump_json(exclude=set(self.without_effect))


def switch(description: str, *, ours: Any, release: Any, paper: Any = SILENT, **constraints: Any) -> Any:
    """A field whose default depends on the preset; where the paper is silent, the release is inferred.

    Outside a preset (a section built by hand) the default is that of ``ours``.
    """
    inferred = paper is SILENT
    presets = {"ours": ours, "paper": release if inferred else paper, "release": release}
    return Field(
        default=ours,
        description=description,
        json_schema_extra={"presets": presets, "paper_inferred": inferred},
        **constraints,
    )


def preset_defaults(model: type[Section], preset: Preset) -> dict[str, Any]:
    """The values that ``preset`` gives to the switches of ``model``."""
    found: dict[str, Any] = {}
    for name, field in model.model_fields.items():
        extra: Any = field.json_schema_extra
        if extra and "presets" in extra:
            found[name] = extra["presets"][preset]
    return found


def sections_in(annotation: Any) -> Iterator[type[Section]]:
    """The section models inside a type annotation, and those nested in their fields."""
    if isinstance(annotation, type) and issubclass(annotation, Section):
        yield annotation
        for field in annotation.model_fields.values():
            yield from sections_in(field.annotation)
    for part in get_args(annotation):
        yield from sections_in(part)
