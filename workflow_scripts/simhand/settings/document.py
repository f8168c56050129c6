"""Writes docs/config.md and the README's table of switches from the schema: `make docs`."""

import json
import re
import sys
from pathlib import Path
from typing import Any, get_args, get_origin

from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from simhand.settings.config import Config
from simhand.settings.section import Section, sections_in

INTRODUCTION = """\
# The configuration

Written by `make docs` from the schema that checks it (`workflow_scripts/simhand/settings/`).
Unknown keys are rejected; all problems of a configuration are reported at once, before anything runs.
A default with three values depends on `preset`: ours / paper / release; *(inferred)* marks a switch where
the paper says nothing, so that the preset `paper` takes what the released code does.
"""


def config_reference() -> str:
    """The reference of every key as Markdown: one table per section."""
    parts = [INTRODUCTION, "## Top level\n", _table(Config)]
    for name, field in Config.model_fields.items():
        models = list(dict.fromkeys(sections_in(field.annotation)))
        where = f"{name}.<name>" if get_origin(field.annotation) is dict else name
        where = "experiments.<table>[]" if name == "experiments" else where
        for model in models:
            kind = _kind(model)
            title = f"`{where}` of kind `{kind}`" if kind else f"`{where}{_below(model, models[0])}`"
            parts += [f"\n## {title}\n", f"{(model.__doc__ or '').splitlines()[0]}\n", _table(model)]
    return "\n".join(parts) + "\n"


def switch_table() -> str:
    """Every switch and what the presets set it to, as a Markdown table."""
    lines = ["| switch | ours | paper | release | what it decides |", "|---|---|---|---|---|"]
    for name, field in Config.model_fields.items():
        for model in sections_in(field.annotation):
            for key, entry in model.model_fields.items():
                extra = entry.json_schema_extra
                if isinstance(extra, dict) and "presets" in extra:
                    presets: Any = extra["presets"]
                    paper = f"{_value(presets['paper'])}{' *(inferred)*' if extra['paper_inferred'] else ''}"
                    row = (f"`{name}.{key}`", _value(presets["ours"]), paper, _value(presets["release"]))
                    lines.append(f"| {' | '.join(row)} | {_escaped(entry.description)} |")
    return "\n".join(lines)


def _table(model: type[Section]) -> str:
    lines = ["| key | type | default | |", "|---|---|---|---|"]
    for name, field in model.model_fields.items():
        lines.append(f"| `{name}` | {_type(field)} | {_default(field)} | {_escaped(field.description)} |")
    return "\n".join(lines)


def _default(field: FieldInfo) -> str:
    extra = field.json_schema_extra
    if isinstance(extra, dict) and "presets" in extra:
        presets: Any = extra["presets"]
        inferred = " *(inferred)*" if extra["paper_inferred"] else ""
        return " / ".join(_value(presets[name]) for name in ("ours", "paper", "release")) + inferred
    default = field.get_default(call_default_factory=True)
    if default is PydanticUndefined:
        return "required"
    return "see its section" if isinstance(default, Section) else _value(default)


def _value(value: Any) -> str:
    return f"`{json.dumps(value)}`" if not isinstance(value, str) else f"`{value}`"


def _type(field: FieldInfo) -> str:
    limits = [
        f"{symbol} {getattr(limit, name)}"
        for limit in field.metadata
        for name, symbol in (("gt", ">"), ("ge", "≥"), ("lt", "<"), ("le", "≤"))
        if getattr(limit, name, None) is not None
    ]
    return _escaped(", ".join([_type_name(field.annotation), *limits]))


def _type_name(annotation: Any) -> str:
    if isinstance(annotation, type) and not get_args(annotation):
        return (
            "section" if issubclass(annotation, Section) else annotation.__name__.replace("NoneType", "null")
        )
    arguments = get_args(annotation)
    if not arguments:
        return "any"
    origin = getattr(get_origin(annotation), "__name__", "")
    if origin == "Literal":
        return " | ".join(map(str, arguments))
    if origin == "list":
        return f"list of {_type_name(arguments[0])}"
    if origin == "dict":
        return f"mapping of names to {_type_name(arguments[1])}"
    if origin == "Annotated" or hasattr(annotation, "__metadata__"):
        return _type_name(arguments[0])
    return " | ".join(dict.fromkeys(_type_name(argument) for argument in arguments))


def _kind(model: type[Section]) -> str:
    field = model.model_fields.get("kind")
    return str(get_args(field.annotation)[0]) if field is not None else ""


def _below(model: type[Section], top: type[Section]) -> str:
    """The key under which ``model`` hangs in ``top``, with its dot; empty for ``top`` itself."""
    return next((f".{name}" for name, field in top.model_fields.items() if field.annotation is model), "")


def _escaped(text: str | None) -> str:
    return (text or "").replace("|", "\\|")


def with_switch_table(readme: str) -> str:
    """``readme`` with its table of switches, between two marks, brought up to date."""
    return re.sub(
        r"(?<=<!-- switches -->\n).*?(?=<!-- end of switches -->)",
        lambda _: switch_table() + "\n",
        readme,
        flags=re.DOTALL,
    )


if __name__ == "__main__":
    repository = Path(sys.argv[1])
    (repository / "docs" / "config.md").write_text(config_reference(), encoding="utf-8")
    readme = repository / "README.md"
    readme.write_text(with_switch_table(readme.read_text(encoding="utf-8")), encoding="utf-8")
