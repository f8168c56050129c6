"""What a preflight says that a run will cost."""

import pytest
import yaml

from simhand.preflight.costs_of_jobs import EXTRACTION_S_PER_FRAME, FRAME_BYTES
from simhand.preflight.estimate import estimate
from simhand.preflight.planned_jobs import PlannedJob
from simhand.preflight.video_lengths import lengths_of
from simhand.settings.check import load_config
from simhand.videos.index_table import IndexedVideo


def config_of(repository, **changes):
    return load_config(yaml.safe_load((repository / "tests/tiny.yaml").read_text()) | changes)


def job(rule, **wildcards):
    return PlannedJob(rule, False, 1, {}, wildcards)


def cost_of(config, one, seconds=1000.0):
    videos = [IndexedVideo("v", "rendered", "v.mp4", "0000")]
    (stage,) = estimate(config, videos, {"rendered": seconds}, [one]).stages
    return stage


def test_what_is_to_be_done_is_counted_by_shards(repository):
    config = config_of(repository, frames={"keep": True})
    videos = [IndexedVideo(f"v{n}", "rendered", f"{n}.mp4", f"{n // 2:04d}") for n in range(4)]
    lengths = lengths_of(config, videos)
    seconds = 4 * config.world.duration_s
    assert lengths.seconds == {"rendered": seconds} and not lengths.unknown
    jobs = [job("extract_frames", source="rendered", shard=f"{n:04d}") for n in range(2)]
    found = estimate(config, videos, lengths.seconds, [*jobs, job("fit_pca", set="all")])
    frames, pca = found.stages
    assert (frames.jobs, pca.jobs) == (2, 1)
    assert frames.core_hours == pytest.approx(EXTRACTION_S_PER_FRAME * seconds / 3600)
    assert pca.core_hours is None and pca.bytes is None
    half = estimate(config, videos, lengths.seconds, jobs[:1])
    assert half.core_hours == pytest.approx(found.core_hours / 2), "one of two shards is done"
    assert half.bytes == pytest.approx(FRAME_BYTES * seconds / 2)


def test_a_source_that_cannot_be_read_is_said(repository, tmp_path):
    config = config_of(repository, sources={"own": {"kind": "folder", "path": str(tmp_path)}})
    (tmp_path / "a.mp4").write_bytes(b"no video")
    lengths = lengths_of(config, [IndexedVideo("a", "own", str(tmp_path / "a.mp4"), "0000")])
    assert lengths.unknown == ["own"] and not lengths.seconds


def test_the_chosen_detector_and_estimator_count(repository):
    """1,000 frames with 1,300 hands; figures from benchmarks/hands.csv and docs/inputs.md."""
    shard = {"source": "rendered", "shard": "0000"}
    hours = {
        "found": cost_of(config_of(repository), job("crop_hands", **shard)).core_hours,
        "stored": cost_of(config_of(repository), job("estimate_keypoints", **shard)).core_hours,
    }
    again = config_of(repository, keypoints={"estimator": "mediapipe"})
    hours["again"] = cost_of(again, job("estimate_keypoints", **shard)).core_hours
    given = config_of(repository, crops={"detector": "boxes", "boxes": "b"})
    hours["given"] = cost_of(given, job("crop_hands", **shard)).core_hours
    hours["detected"] = cost_of(given, job("detect_hands", **shard)).core_hours
    seconds = {name: 3600 * value for name, value in hours.items()}
    expected = {"found": 42, "stored": 1.3, "again": 52, "given": 10, "detected": 10_000}
    assert seconds == pytest.approx(expected)


def test_trainings_mining_and_rendering_have_figures(repository):
    config = config_of(
        repository,
        sets={"all": {"sources": "all", "size": 1000}},
        pretrain={"encoder": "resnet50", "image_size_px": 128, "batch_size": 4, "epochs": 3},
        finetune={"encoder": "resnet50", "input_px": 64, "epochs": 10, "batch_size": 8},
        experiments={
            "table2": [
                {"method": "simclr", "set": "all", "dataset": "rendered", "label_fraction": 0.5},
                {
                    "method": "none",
                    "dataset": "rendered",
                    "label": "vit",
                    "finetune": {"encoder": "timm/convnext_atto"},
                },
            ]
        },
    )
    first, second = config.all_experiments()
    pretraining = cost_of(config, job("pretrain_encoder", pretrain=first.pretrain.name))
    # two views of each of 1,000 hands, three times, at 10.9 views a second on two cores
    assert pretraining.core_hours == pytest.approx(6000 / 10.9 * 2 / 3600)
    finetuning = cost_of(config, job("finetune_detnet", finetune=first.finetune.name))
    # half of 16 x 2 images, ten times, at a quarter of the pixels of 3.5 images a second on two cores
    assert finetuning.core_hours == pytest.approx(160 / 4 / 3.5 * 2 / 3600)
    assert cost_of(config, job("finetune_detnet", finetune=second.finetune.name)).core_hours is None
    assert cost_of(config, job("mine_pairs", set="all")).core_hours == pytest.approx(0.05 / 3600)
    assert cost_of(config, job("mine_pairs", set="all"), seconds=100.0).core_hours < 0.01 / 3600
    (unread,) = estimate(config, [], {}, [job("mine_pairs", set="all")]).stages
    assert unread.core_hours == pytest.approx(0.05 / 3600), "its source cannot be read, and it has a size"
    labels, videos = cost_of(config, job("render_labels")), cost_of(config, job("render_videos", shard="0"))
    assert labels.core_hours == pytest.approx(1.1e-6 * 40 * 128**2 / 3600)
    assert videos.core_hours == pytest.approx(0.85e-6 * 2000 * 320 * 240 / 3600)


def test_annotation_files_count_by_their_size(repository, tmp_path):
    (tmp_path / "a.json").touch()
    (tmp_path / "a.json").write_bytes(bytes(1_550_000))  # a thousand hands
    given = {"kind": "hand100m", "annotations": {"ego4d": str(tmp_path / "a.json")}, "images": "i"}
    config = config_of(repository, sets={"all": given | {"shards": 4}})
    assert cost_of(config, job("read_annotations", set="all")).core_hours == pytest.approx(0.1395 / 3600)
    crops = cost_of(config, job("crop_annotations", set="all", shard="0000"))
    assert crops.core_hours == pytest.approx(2.5 / 3600) and crops.bytes == pytest.approx(250 * 9470)
