"""Tables and figures as targets of config.paper.yaml: each runs its own experiments and no others."""

import re

import pytest
import yaml

from simhand.settings.check import load_config

# Counted by hand from the paper's tables: pre-trainings, fine-tunings, mined sets, sets paired over time.
JOBS = {
    # 3 methods x 3 sets x 2 weightings; each on 3 data sets, and none from 2 starts on 3 data sets
    "table1": (18, 54 + 6, 3, 0),
    "table2": (12, 12 + 2, 4, 0),
    "table3": (6, 6, 1, 0),
    "table4": (9, 9, 1, 0),
    "table5": (6, 6, 2, 2),
    "table6": (1, 2, 1, 0),
    "table7": (2, 2 + 1, 1, 0),
    "table8": (2, 2 + 1, 1, 0),
    # 4 encoders and none, on 5 shares of the labels
    "figure4": (4, 25, 2, 0),
    "figure5": (3, 6 + 2, 1, 0),
    "figure7": (3, 3 + 1, 1, 0),
    "figure2": (0, 0, 1, 0),
    "figure8": (0, 0, 1, 0),
}
# Table 2 adds 9 pre-trainings to Table 1's 18 (ego-1m is shared), Table 3 three weighted ones, Table 4 eight
# ranks, Table 5 TempCLR on two sets. Fine-tunings: 60, +14, +3, +8, +2, +1 weakly supervised, and of Figure 4
# the shares that no table has: 3 of none, 3 of each method on ego-1m, 4 of SiMHand on egoexo-2m.
TOGETHER = (18 + 9 + 3 + 8 + 2, 60 + 14 + 3 + 8 + 2 + 1 + 3 + 9 + 4, 6, 2)
RULES = ("pretrain_encoder", "finetune_detnet", "mine_pairs", "pair_adjacent_frames")

STUBS = {
    "EGO4D": "v1/full_scale/0b0c7c26-8f38-4a22-8a9e-b99e4ae334fc.mp4",
    "100DOH": "videos/-_z7k80JfRq.mp4",
    "FREIHAND": "FreiHAND_pub_v2/training_K.json",
    "DEXYCB": "calibration/intrinsics/836212060125_640x480.yml",
    "ASSEMBLYHANDS": "annotations/train/assemblyhands_train_ego_data_v1-1.json",
}


@pytest.fixture(scope="module")
def paper(repository, tmp_path_factory):
    """A folder with paper.yaml, whose data sets have one file each."""
    folder = tmp_path_factory.mktemp("paper")
    text = (repository / "config.paper.yaml").read_text()
    for name, file in STUBS.items():
        assert f"<{name}>" in text
        text = text.replace(f"<{name}>", str(folder / name))
        (folder / name / file).parent.mkdir(parents=True)
        (folder / name / file).touch()
    (folder / "paper.yaml").write_text(text)
    return folder


def jobs(snakemake, folder, *targets):
    done = snakemake(folder, "--dry-run", "--cores", "2", "--configfile", "paper.yaml", "--", *targets)
    assert done.returncode == 0, done.stdout[-3000:]
    counts = dict(re.findall(r"^(\w+) +(\d+)$", done.stdout.split("Job stats:")[-1], flags=re.MULTILINE))
    return tuple(int(counts.get(rule, 0)) for rule in RULES)


@pytest.mark.parametrize("group", [group for group in JOBS if group not in ("figure2", "figure8")])
def test_a_group_has_the_experiments_of_the_paper(repository, group):
    config = load_config(yaml.safe_load((repository / "config.paper.yaml").read_text()))
    experiments = config.all_experiments(group)
    pretrains = {experiment.pretrain.name for experiment in experiments if experiment.pretrain}
    assert (len(pretrains), len(experiments)) == JOBS[group][:2]


def test_all_tables_and_figures_share_what_they_can(snakemake, paper):
    assert jobs(snakemake, paper, *JOBS) == TOGETHER


@pytest.mark.long
@pytest.mark.parametrize("target", JOBS)
def test_a_target_needs_its_own_experiments_alone(snakemake, paper, target):
    assert jobs(snakemake, paper, target) == JOBS[target]


def test_a_target_without_experiments_says_what_to_add(snakemake, tmp_path):
    done = snakemake(tmp_path, "--dry-run", "--cores", "2", "table4")
    assert done.returncode != 0
    assert (
        "the config has no experiments for table4: add rows as `experiments: {table4: [...]}`" in done.stdout
    )
