"""Sets given as annotation files: they join the DAG where mined sets do, and train."""

import json
import re

import cv2
import numpy as np
import pandas as pd
import pytest
import yaml
from safetensors.torch import load_file

from simhand.errors import ConfigError
from simhand.settings.check import load_config

GIVEN = {"kind": "hand100m", "annotations": {"ego4d": "given.json"}, "images": "images", "shards": 3}


def with_set(repository, **changes):
    """The embedded default with the set `given` beside its own."""
    raw = yaml.safe_load((repository / "config.yaml").read_text())
    raw["sets"]["given"] = GIVEN | changes
    raw["experiments"] = {"table2": [{"method": "simhand", "set": ["all", "given"], "dataset": "rendered"}]}
    return raw


def jobs(output):
    table = output.split("Job stats:")[-1]
    return {name: int(count) for name, count in re.findall(r"^(\w+) +(\d+)$", table, flags=re.MULTILINE)}


def dry_run(snakemake, folder, raw, *targets):
    (folder / "given.json").touch()
    (folder / "config.yaml").write_text(yaml.safe_dump(raw))
    arguments = ["--dry-run", "--cores", "2", "--configfile", "config.yaml"]
    done = snakemake(folder, *arguments, "--", *targets)
    assert done.returncode == 0, done.stdout
    return jobs(done.stdout)


def test_given_pairs_are_taken_and_nothing_is_mined_in_their_set(repository, snakemake, tmp_path):
    counts = dry_run(snakemake, tmp_path, with_set(repository), "report")
    assert (counts["read_annotations"], counts["crop_annotations"], counts["import_set"]) == (1, 3, 1)
    assert (counts["sample_set"], counts["mine_pairs"], counts["fit_pca"]) == (1, 1, 2)
    assert counts["pretrain_encoder"] == 2


def test_a_given_set_needs_no_videos(repository, snakemake, tmp_path):
    raw = with_set(repository) | {"sources": {}, "run": "given"}
    del raw["sets"]["all"]
    raw["experiments"]["table2"][0]["set"] = "given"
    counts = dry_run(snakemake, tmp_path, raw, "pretrain")
    assert counts["pretrain_encoder"] == 1
    assert not {"extract_frames", "crop_hands", "group_recordings"} & counts.keys()


def test_only_mined_sets_are_exported_and_every_set_has_adjacent_pairs(repository, snakemake, tmp_path):
    top = "results/demo/export/all/annotations_top5.json"
    counts = dry_run(snakemake, tmp_path, with_set(repository), "export", "adjacent_pairs", top)
    assert (counts["export_annotations"], counts["export_frames"]) == (2, 1)
    assert counts["pair_adjacent_frames"] == 2


def test_given_pairs_of_adjacent_frames_are_not_looked_for(repository, snakemake, tmp_path):
    raw = with_set(repository, positives="adjacent")
    raw["experiments"] = {}
    counts = dry_run(snakemake, tmp_path, raw, "adjacent_pairs")
    assert (counts["pair_adjacent_frames"], counts["import_set"]) == (1, 1)


def test_ranks_of_a_given_set_are_not_asked_of_mining(repository):
    raw = with_set(repository)
    raw["experiments"]["table2"] = [{"method": "simhand", "set": "given", "top_k": 3, "dataset": "rendered"}]
    load_config(raw)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"kind": "hand10m"}, "sets.given: no such kind of set"),
        ({"size": 3}, "sets.given.size: not a key of this kind"),
        ({"annotations": {}}, "sets.given.annotations"),
        (
            {"positives": "adjacent"},
            "simhand learns from similar hands, but the pairs of 'given' are adjacent",
        ),
    ],
)
def test_mistakes_in_a_given_set(repository, changes, message):
    with pytest.raises(ConfigError, match=re.escape(message)):
        load_config(with_set(repository, **changes))


def test_a_given_set_and_a_source_cannot_share_their_name(repository):
    raw = with_set(repository)
    raw["sets"]["rendered"] = GIVEN
    with pytest.raises(ConfigError, match="sets.rendered: a source has this name already"):
        load_config(raw)


@pytest.fixture
def given_files(tmp_path):
    """Twelve hands of three videos, each the positive of the next, and their images."""
    rng = np.random.default_rng(0)
    images, hands = [], []
    for number in range(12):
        path = tmp_path / "images" / f"Ego4D/uid{number % 3}/frame_{30 * number:06d}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(path), rng.integers(0, 256, (90, 120, 3), np.uint8))
        images.append({"id": number, "file_name": path.relative_to(tmp_path / "images").as_posix()})
        hands.append(
            {
                "hand_id": str(100 + number),
                "image_id": number,
                "boxes": "[30, 20, 80, 70]",
                "keypoint_25d": rng.uniform(0.2, 0.8, 63).tolist(),
                "left_right": ("Left", "Right")[number % 2],
                "positive_sample": [str(100 + (number + 1) % 12)],
                "distance": [0.1 * number],
            }
        )
    (tmp_path / "given.json").write_text(json.dumps({"images": images, "annotations": hands}))
    return tmp_path


def test_a_given_set_trains(repository, snakemake, tiny, given_files):
    row = {"method": "simhand", "set": "given", "weighting": "both", "dataset": "rendered"}
    changes = {"run": "given", "sets": {"given": GIVEN | {"shards": 2}}, "experiments": {"table2": [row]}}
    (given_files / "given.yaml").write_text(yaml.safe_dump(changes))
    done = snakemake(given_files, *tiny, "given.yaml", "--", "pretrain")
    assert done.returncode == 0, done.stdout[-5000:]
    run = given_files / "results/given"
    assert json.loads((run / "annotations/given.json").read_text())["pairs"] == 12
    partners = json.loads((run / "pairs/given.json").read_text())["partners"]
    assert sum(found["pairs"] for found in partners.values()) == 12
    assert sorted(path.name for path in (run / "crops/given").glob("*.arrow")) == ["0000.arrow", "0001.arrow"]
    weights = load_file(run / "pretrain/simhand_given_both_top1_random_seed0/encoder.safetensors")
    assert weights["bn1.num_batches_tracked"] > 0


@pytest.mark.xdist_group("tiny_run")
def test_a_mined_set_is_exported(tiny_run, snakemake, tiny):
    done = snakemake(tiny_run, *tiny, "--", "export", "results/tiny/export/all/annotations_top2.json")
    assert done.returncode == 0, done.stdout[-5000:]
    export = tiny_run / "results/tiny/export/all"
    pairs = pd.read_parquet(tiny_run / "results/tiny/pairs/all.parquet")
    for name, ranks in (("annotations", [1, 2]), ("annotations_top2", [2])):
        content = json.loads((export / f"{name}.json").read_text())
        assert all((export / image["file_name"]).is_file() for image in content["images"])
        found = {
            (int(hand["hand_id"]), rank, int(positive), distance)
            for hand in content["annotations"]
            for rank, positive, distance in zip(ranks, hand["positive_sample"], hand["distance"], strict=True)
        }
        columns = ["hand_id", "rank", "positive_hand_id", "distance"]
        assert found == set(pairs[pairs["rank"].isin(ranks)][columns].itertuples(index=False, name=None))
