"""What the experiments behind a table did otherwise than the paper, by their certificates."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, get_args

from simhand.certificates.chain import Link
from simhand.report.definitions import DATASET_TITLES, TableDefinition
from simhand.settings.finetune import FinetuneSettings
from simhand.settings.pca import PcaSettings
from simhand.settings.pretrain import PretrainSettings
from simhand.settings.section import PRESETS, Preset, Section, preset_defaults
from simhand.settings.sets import PaperSet
from simhand.settings.tables import TablesSettings

HANDS = {"50k": 50_000, "100k": 100_000, "500k": 500_000, "1m": 1_000_000, "2m": 2_000_000}
PAPER_HANDS = {name: HANDS[name.split("-")[1]] for name in get_args(PaperSet)}

STAGES: dict[str, tuple[str, type[Section]]] = {
    "pca": ("pose embedding", PcaSettings),
    "encoder": ("pre-training", PretrainSettings),
    "predictions": ("fine-tuning", FinetuneSettings),
}
"""What each certified result is made by, and the section whose defaults are the paper's recipe."""

BY_PREFERENCE: tuple[Preset, ...] = ("paper", "ours", "release")
"""Of presets that switches follow equally well, the first is named."""


@dataclass(frozen=True)
class Difference:
    """One thing done otherwise; ``topic`` is the stage or the data it concerns."""

    topic: str
    text: str


def differences(link: Link, definition: TableDefinition, settings: TablesSettings) -> list[Difference]:
    """What differs from the paper on the way to the metrics of ``link``; nothing without certificates."""
    found = [*_of_labels(link, definition), *_of_set(link, settings)]
    for role, (topic, model) in STAGES.items():
        behind = link.find(role)
        if behind and behind.certificate:
            texts = _of_settings(behind.certificate["recipe"].get("settings", {}), model)
            found += [Difference(topic, text) for text in texts]
    return found


def _of_labels(link: Link, definition: TableDefinition) -> Iterator[Difference]:
    predictions = link.find("predictions")
    recipe = predictions.certificate["recipe"] if predictions and predictions.certificate else {}
    dataset, experiment = recipe.get("dataset"), recipe.get("experiment")
    if dataset and dataset["kind"] == "rendered":
        title = DATASET_TITLES[dataset.get("layout", "freihand")]
        yield Difference("labels", f"rendered hands in the layout of {title}, not {title} itself")
    if dataset and dataset.get("frames") == "labelled":
        yield Difference("labels", "every labelled frame of DexYCB (those that show most of the hand)")
    share = definition.paper_labels
    if experiment and share is not None and experiment["label_fraction"] != share:
        yield Difference(
            "labels", f"{100 * experiment['label_fraction']:g} % of the labels ({100 * share:g} %)"
        )


def _of_set(link: Link, settings: TablesSettings) -> Iterator[Difference]:
    """The size of the pre-training set as it was reached, beside the paper's."""
    found = link.find("set")
    if found is None or found.certificate is None:
        return
    name, hands = found.result.stem, found.certificate["facts"].get("hands")
    paper_set = settings.compare_with.get(name, name)
    asked = found.certificate["recipe"]["settings"].get("size")
    if hands is None or hands == PAPER_HANDS.get(paper_set):
        return
    short = f", though {asked:,} were asked for" if asked and asked != hands else ""
    beside = f" ({PAPER_HANDS[paper_set]:,})" if paper_set in PAPER_HANDS else ""
    yield Difference("pre-training set", f"{name} has {hands:,} hands{beside}{short}")


def _of_settings(settings: Mapping[str, Any], model: type[Section]) -> Iterator[str]:
    """Settings that are not the paper's, the paper's in brackets; and which preset the switches follow."""
    paper = preset_defaults(model, "paper")
    plain = {
        name: field.get_default(call_default_factory=True)
        for name, field in model.model_fields.items()
        if name not in paper and name not in model.without_effect
    }
    for name, default in plain.items():
        if name in settings and settings[name] != default:
            yield f"{name} {_shown(settings[name])} ({_shown(default)})"
    if paper:
        yield from _of_switches(settings, model)


def _of_switches(settings: Mapping[str, Any], model: type[Section]) -> Iterator[str]:
    """The preset that most switches follow, unless it is ``paper``, and the switches that do not."""
    presets = {preset: preset_defaults(model, preset) for preset in PRESETS}
    apart = {
        preset: [name for name, value in values.items() if settings.get(name, value) != value]
        for preset, values in presets.items()
    }
    nearest = min(BY_PREFERENCE, key=lambda preset: len(apart[preset]))
    if nearest != "paper":
        yield f"switches of preset {nearest}"
    for name in apart[nearest]:
        yield f"{name} {_shown(settings[name])} ({_shown(presets['paper'][name])})"


def _shown(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:g}"
    return "none" if value is None else str(value)


def shared_and_own(
    rows: Sequence[Sequence[Difference]],
) -> tuple[list[Difference], list[list[Difference]]]:
    """What all rows that have anything in a topic have in common in it, and what is left of each row."""
    shared: list[Difference] = []
    for row in rows:
        for difference in row:
            concerned = [other for other in rows if any(found.topic == difference.topic for found in other)]
            if difference not in shared and all(difference in other for other in concerned):
                shared.append(difference)
    return shared, [[difference for difference in row if difference not in shared] for row in rows]


def in_words(found: Sequence[Difference]) -> str:
    """Differences as one line, topic by topic."""
    topics = dict.fromkeys(difference.topic for difference in found)
    return "; ".join(
        f"{topic}: {', '.join(difference.text for difference in found if difference.topic == topic)}"
        for topic in topics
    )
