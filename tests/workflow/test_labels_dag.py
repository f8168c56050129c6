"""The label files of data sets in the DAG: a new or corrected one runs again what was trained on them."""

import re

import pytest
import yaml

FREIHAND = [f"{split}_{what}.json" for split in ("training", "evaluation") for what in ("K", "xyz", "scale")]
ASSEMBLYHANDS = [
    f"annotations/{split}/assemblyhands_{split}_{what}_v1-1.json"
    for split in ("train", "val")
    for what in ("ego_data", "ego_calib", "joint_3d")
]
DEXYCB = [
    *(f"calibration/intrinsics/{serial}_640x480.yml" for serial in ("836212060125", "839512060362")),
    *(f"20200709-subject-01/{sequence}/meta.yml" for sequence in ("20200709_141754", "20200709_142022")),
]
FILES = {"freihand": FREIHAND, "assemblyhands": ASSEMBLYHANDS, "dexycb": DEXYCB}
OTHERS = {
    "freihand": ["training_verts.json", "training/rgb/00000000.jpg"],
    "assemblyhands": ["annotations/train/assemblyhands_train_exo_data_v1-1.json"],
    "dexycb": ["20200709-subject-01/20200709_141754/836212060125/labels_000000.npz"],
}


@pytest.mark.parametrize("kind", FILES)
def test_label_files_are_inputs_of_the_fine_tuning(repository, snakemake, tmp_path, kind):
    """All that are there, and one that is put there later: Snakemake follows their set and their times."""
    config = yaml.safe_load((repository / "tests/tiny.yaml").read_text())
    config["datasets"] = {"mine": {"kind": kind, "root": str(tmp_path / "mine")}}
    config["experiments"] = {"table2": [{"method": "none", "dataset": "mine"}]}
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(config))
    *first, last = FILES[kind]

    def inputs_with(files):
        for name in files:
            path = tmp_path / "mine" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
        options = ["--dry-run", "--quiet", "host", "--cores", "2", "--configfile", "mine.yaml"]
        done = snakemake(tmp_path, *options, "--", "finetune")
        assert done.returncode == 0, done.stdout
        (inputs,) = re.findall(r"^rule finetune_detnet:\n    input: (.*)$", done.stdout, re.MULTILINE)
        below = f"{tmp_path}/mine/"
        return {path.removeprefix(below) for path in inputs.split(", ") if path.startswith(below)}

    assert inputs_with([*first, *OTHERS[kind]]) == set(first)
    assert inputs_with([last]) == {*first, last}
