"""A preflight asks the real SLURM what it would refuse, and submits nothing."""

import pytest
from test_shards import CONFIG, encode

pytestmark = [pytest.mark.slurm, pytest.mark.long, pytest.mark.xdist_group("slurm")]


def test_what_can_never_run_is_named_and_nothing_is_submitted(cluster, workplace):
    place = workplace(CONFIG | {"preflight": {"targets": ["keypoints"]}})
    (place.folder / "videos").mkdir()
    encode(place.folder / "videos/a.mp4")
    place.profile["set-threads"]["crop_hands"] = 1000
    place.profile["set-resources"]["crop_hands"] = {"mem_mb": 1000}
    place.profile["set-resources"]["estimate_keypoints"] = {"gpu": 1, "gpu_model": "unheard_of"}
    # four times this is more memory than the node has
    place.profile["set-resources"]["extract_frames"] = {"mem_mb": "40000 * attempt"}
    before = cluster.jobs()
    driver = place.start("--", "preflight")
    said = driver.fail()
    assert "ok       request of extract_frames: --account=lab --partition=cpu" in said, said
    refused = {
        "crop_hands": "More processors requested than permitted",
        "estimate_keypoints": "Requested node configuration is not available",
    }
    for rule, reason in refused.items():
        (line,) = [line for line in said.splitlines() if f"PROBLEM  request of {rule}:" in line]
        assert reason in line, line
    (retries,) = [line for line in said.splitlines() if "unknown  retries of extract_frames" in line]
    assert "attempt 4" in retries and "--mem=160000" in retries
    assert "2 problem(s)" in said
    assert cluster.jobs() == before and not cluster.run("squeue", "-h").strip()
