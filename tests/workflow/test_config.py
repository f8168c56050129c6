"""The configuration: what is accepted, and that every mistake is named at once."""

import re
from pathlib import Path

import pytest
import yaml

from simhand.errors import ConfigError
from simhand.settings.check import inferred_switches, load_config, with_presets
from simhand.settings.config import Config
from simhand.settings.document import config_reference, with_switch_table
from simhand.settings.experiment_groups import (
    FIGURES_OF_PAIRS,
    FIGURES_WITH_EXPERIMENTS,
    PAPER_TABLES,
    TARGETS,
)
from simhand.settings.experiments import ranks_of
from simhand.settings.section import PRESETS


def demo(repository: Path, **changes: object) -> dict[str, object]:
    return yaml.safe_load((repository / "config.yaml").read_text()) | changes


@pytest.mark.parametrize("name", ["config.yaml", "config.paper.yaml"])
def test_shipped_configs_are_valid(repository, name):
    load_config(yaml.safe_load((repository / name).read_text()))


def test_all_problems_are_reported_at_once(repository):
    raw = demo(
        repository,
        preset="our",
        colour="red",
        shard_size=0,
        crops={"box_scal": 1.3},
        experiments={
            "table2": [
                {"method": "simclr", "set": "al", "dataset": "rendered"},
                {"method": "pecl", "set": "all", "dataset": "rendered"},
                {"method": "simhand", "set": "all", "top_k": 3, "dataset": "frihand"},
                {"method": "peclr", "dataset": "rendered"},
            ]
        },
    )
    with pytest.raises(ConfigError) as caught:
        load_config(raw)
    message = str(caught.value)
    for expected in (
        "preset: ",
        "did you mean 'ours'?",
        "colour: unknown key",
        "shard_size: ",
        "crops.box_scal: unknown key (did you mean 'box_scale'?)",
        "experiments.table2[0].set: no set 'al' (did you mean 'all'?)",
        "experiments.table2[1].method: ",
        "did you mean 'peclr'?",
        "experiments.table2[2].dataset: no data set 'frihand'",
        "experiments.table2[2].top_k: rank 3 is not mined; add it to pairs.ranks [1, 2, 5, 10, 50]",
        "experiments.table2[3]: all methods but `none` need a set",
    ):
        assert expected in message
    assert "9 problem(s)" in message or "10 problem(s)" in message


def test_a_wrong_override_is_named_with_its_row(repository):
    row = {"method": "none", "dataset": "rendered", "label": "x", "finetune": {"epoch": 1}}
    with pytest.raises(ConfigError, match=r"experiments.table2\[0\].finetune.epoch: unknown key .*'epochs'"):
        load_config(demo(repository, experiments={"table2": [row]}))


def test_overrides_are_checked_with_the_section_they_change(repository):
    row = {
        "method": "none",
        "dataset": "rendered",
        "label": "x",
        "finetune": {"model_selection": "validation"},
    }
    raw = demo(repository, finetune={"validation_fraction": 0.0, "model_selection": "last"})
    with pytest.raises(ConfigError, match=r"experiments.table2\[0\].finetune"):
        load_config(raw | {"experiments": {"table2": [row]}})


@pytest.mark.parametrize(
    "rows",
    [
        [{"label": "x", "finetune": {"epochs": 1}}, {"label": "x", "finetune": {"epochs": 2}}],
        [{"init": ["a/w.pth", "b/w.pth"]}],
    ],
)
def test_two_experiments_never_share_a_name(repository, rows):
    rows = [{"method": "none", "dataset": "rendered"} | row for row in rows]
    with pytest.raises(ConfigError, match="stands for another experiment already"):
        load_config(demo(repository, experiments={"table2": rows}))


@pytest.mark.parametrize("name", ["none", "peclr", "simhand", "weakly-supervised"])
def test_predictions_made_elsewhere_have_no_name_of_a_method(repository, name):
    def imported(name):
        return demo(repository, imported_predictions={name: {"file": "pred.json", "dataset": "rendered"}})

    message = f"imported_predictions.{name}: '{name}' is a method of the experiments"
    with pytest.raises(ConfigError, match=message):
        load_config(imported(name))
    assert list(load_config(imported(f"{name}-of-others")).imported_models()) == [f"{name}-of-others"]


def test_close_label_fractions_are_different_experiments(repository):
    row = {"method": "none", "dataset": "rendered", "label_fraction": [0.011, 0.012]}
    config = load_config(demo(repository, experiments={"table2": [row]}))
    names = [experiment.finetune.name for experiment in config.all_experiments()]
    assert [name.split("_")[-1] for name in names] == ["1.1pct", "1.2pct"]


def test_overrides_need_a_label(repository):
    row = {"method": "none", "dataset": "rendered", "finetune": {"epochs": 1}}
    with pytest.raises(ConfigError, match="needs a `label`"):
        load_config(demo(repository, experiments={"table2": [row]}))


@pytest.mark.parametrize("preset", PRESETS)
def test_presets_set_the_switches_that_the_config_leaves_open(repository, preset):
    raw = demo(repository, preset=preset)
    config = load_config(raw)
    assert config.crops.border == {"ours": "pad", "paper": "clamp", "release": "clamp"}[preset]
    given = load_config(demo(repository, preset=preset, crops={"border": "pad"}))
    assert given.crops.border == "pad"


def test_what_the_paper_does_not_say_is_named(repository):
    inferred = inferred_switches(demo(repository, preset="paper", finetune={"warp": "bilinear"}))
    assert "crops.border = clamp" in inferred
    assert not [text for text in inferred if text.startswith(("finetune.warp", "frames.sampling"))]
    assert inferred_switches(demo(repository)) == []


def test_preset_of_a_row_reaches_only_its_own_experiments(repository):
    rows = [
        {"method": "none", "dataset": "rendered"},
        {"method": "none", "dataset": "rendered", "label": "release", "preset": "release"},
    ]
    config = load_config(demo(repository, experiments={"table2": rows}))
    plain, released = [experiment.finetune.name for experiment in config.all_experiments()]
    assert config.finetune_settings(plain).negative_images is False
    assert config.finetune_settings(released).negative_images is True


def test_rows_that_differ_in_their_finetuning_share_the_pretraining(repository):
    base = {"method": "peclr", "set": "all", "dataset": "rendered"}
    rows = [base, {**base, "label": "long", "finetune": {"epochs": 9}}]
    rows.append({**base, "label": "hot", "pretrain": {"temperature": 0.9}})
    config = load_config(demo(repository, experiments={"table2": rows}))
    names = [(found.pretrain.name, found.finetune.name) for found in config.all_experiments()]
    (plain, short), (same, long), (hot, after_hot) = names
    assert (same, long) == (plain, f"{short}_long") and hot != plain and after_hot.startswith(f"{hot}__")
    assert config.finetune_settings(long).epochs == 9 and config.finetune_settings(short).epochs != 9
    assert config.pretrain_settings(plain).temperature != config.pretrain_settings(hot).temperature == 0.9


def test_lists_in_a_row_are_crossed_and_shared_experiments_run_once(repository):
    rows = [
        {"method": ["simclr", "simhand"], "set": "all", "weighting": ["none", "both"], "dataset": "rendered"},
        {"method": "simclr", "set": "all", "dataset": "rendered", "label_fraction": [0.5, 1.0]},
        {"method": "none", "dataset": "rendered"},
    ]
    config = load_config(demo(repository, experiments={"table2": rows}, seeds=[0, 1]))
    names = [experiment.finetune.name for experiment in config.all_experiments()]
    assert len(names) == len(set(names)) == 2 * (4 + 1 + 1)
    assert "simclr_all_none_random_seed1__rendered_50pct" in names
    assert "none_random_seed0__rendered_100pct" in names
    assert len(config.pretrain_experiments()) == 2 * 4


def test_videos_dir_stands_in_for_the_sources(repository):
    config = load_config(demo(repository, videos_dir="clips"))
    assert [(name, source.kind) for name, source in config.all_sources().items()] == [("videos", "folder")]


def test_every_switch_gives_a_valid_section():
    for preset in PRESETS:
        Config.model_validate(with_presets({"preset": preset}))


def test_reference_is_up_to_date(repository):
    written = (repository / "docs" / "config.md").read_text()
    assert written == config_reference(), "docs/config.md is out of date: run `make docs`"


def test_readme_lists_every_switch(repository):
    readme = (repository / "README.md").read_text()
    assert "<!-- switches -->" in readme
    assert readme == with_switch_table(readme), (
        "the README's table of switches is out of date: run `make docs`"
    )


def anchors(text):
    """The anchors that a page gives its headings: lower case, hyphens for spaces, no punctuation."""
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", ["README.md", "docs/*.md", "benchmarks/*.md"])
def test_links_between_pages_lead_somewhere(repository, page):
    for file in repository.glob(page):
        for link in re.findall(r"\]\((?!https?:)([^)]+)\)", file.read_text()):
            path, _, anchor = link.partition("#")
            target = file.parent / path if path else file
            assert target.exists(), f"{file.name}: {link}"
            assert not anchor or anchor in anchors(target.read_text()), f"{file.name}: {link}"


def row(**changes):
    return {"set": "all", "dataset": "rendered", **changes}


def test_several_ranks_are_learned_from_at_once_and_a_list_is_crossed(repository):
    rows = [row(method=["simhand", "tempclr"], top_k=[5, "1+2+10"])]
    pretrains = load_config(demo(repository, experiments={"table2": rows})).pretrain_experiments()
    assert {name: experiment.top_k for name, experiment in pretrains.items()} == {
        "simhand_all_none_top5_random_seed0": 5,
        "simhand_all_none_top1+2+10_random_seed0": "1+2+10",
        "tempclr_all_none_random_seed0": 1,
    }
    assert ranks_of("1+2+10") == (1, 2, 10) and ranks_of(5) == (5,)


@pytest.mark.parametrize(
    ("top_k", "message"),
    [
        ("1+3", "top_k: rank 3 is not mined; add it to pairs.ranks"),
        ("2+1", "the ranks of 2+1 must ascend, each named once"),
        ("1+1", "the ranks of 1+1 must ascend, each named once"),
        ("1,2", "top_k"),
        (0, "top_k"),
    ],
)
def test_ranks_that_make_no_sense_are_named(repository, top_k, message):
    with pytest.raises(ConfigError, match=re.escape(message)):
        load_config(demo(repository, experiments={"table2": [row(method="simhand", top_k=top_k)]}))


def test_groups_are_tables_figures_and_any_other_name(repository):
    groups = ["table1", "table8", "figure4", "figure7", "mine", "table2-longer"]
    config = load_config(demo(repository, experiments={group: [row(method="none")] for group in groups}))
    assert config.tables() == ["table1", "table8", "mine", "table2-longer"]
    assert len(config.all_experiments()) == 1, "what several groups need is done once"


@pytest.mark.parametrize(
    ("group", "message"),
    [
        ("table9", "experiments.table9: no such table or figure of experiments"),
        ("tabel2", "did you mean 'table2'?"),
        ("figure2", "figure2 shows mined pairs and needs no experiments"),
        ("figures", "is a target of the workflow already"),
        ("My Table", "experiments.My Table: String should match pattern"),
    ],
)
def test_names_that_could_be_mistaken_are_no_groups(repository, group, message):
    with pytest.raises(ConfigError, match=re.escape(message)):
        load_config(demo(repository, experiments={group: [row(method="none")]}))


def test_targets_of_one_word_are_kept_from_groups(repository):
    rules = "\n".join(path.read_text() for path in (repository / "rules").glob("*.smk"))
    names = {name for name in re.findall(r"^rule (\w+):", rules, flags=re.MULTILINE) if "_" not in name}
    groups = {*PAPER_TABLES, *FIGURES_WITH_EXPERIMENTS, *FIGURES_OF_PAIRS}
    assert names - groups == set(TARGETS) - {"all"}


def test_a_set_may_have_ranks_of_its_own(repository):
    sets = {"all": {"ranks": [7, 1]}, "other": {}}
    raw = demo(repository, sets=sets, experiments={"mine": [row(method="simhand", top_k=7)]})
    config = load_config(raw)
    assert config.pairs_settings("all").ranks == [1, 7] and config.pairs_settings("other").ranks[:2] == [1, 2]
    rows = [row(method="simhand", top_k=5)]
    with pytest.raises(ConfigError, match=r"rank 5 is not mined; add it to sets.all.ranks \[7, 1\]"):
        load_config(raw | {"experiments": {"mine": rows}})
    with pytest.raises(ConfigError, match="sets.all.ranks: rank 7, but sets.all has 5 hands"):
        load_config(raw | {"sets": {"all": {"ranks": [1, 7], "size": 5}}, "pca": {"dimensions": 2}})


def test_tables_need_their_protocol(repository):
    with pytest.raises(ConfigError, match="evaluation.protocols: lacks simhand, which the tables"):
        load_config(demo(repository, evaluation={"protocols": ["freihand_absolute"]}))
