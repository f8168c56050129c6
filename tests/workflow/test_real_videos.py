"""The README's command for own videos, on real ones, with a broken one among them."""

import shutil

import pandas as pd
import pytest
import yaml

RUN = "results/real"


@pytest.mark.realdata
@pytest.mark.long
def test_own_videos_from_a_folder_to_an_encoder(snakemake, repository, realdata, tmp_path):
    folder = tmp_path / "my clips"
    folder.mkdir()
    for name in (
        "exo_intel_asl_signer_A",
        "exo_intel_asl_signer_B",
        "exo_stereo_desk_cam0",
        "exo_stereo_desk_cam1",
    ):
        shutil.copy(realdata / "videos" / f"{name}.mp4", folder)
    (folder / "naïve ÿ.mp4").write_bytes(b"no video")
    stereo = "video_id,group_id\nexo_stereo_desk_cam0,desk\nexo_stereo_desk_cam1,desk\n"
    (tmp_path / "groups.csv").write_text(stereo)
    config = yaml.safe_load((repository / "tests" / "tiny.yaml").read_text())
    config |= {"run": "real", "videos_dir": "my clips", "groups": {"groups_csv": "groups.csv"}}
    (tmp_path / "real.yaml").write_text(yaml.safe_dump(config))
    done = snakemake(tmp_path, "--cores", "2", "--configfile", "real.yaml")
    assert done.returncode == 0, done.stdout[-10000:]

    manifest = pd.read_parquet(tmp_path / RUN / "videos/manifest.parquet").set_index("video_id")
    assert manifest.loc["naïve ÿ", "status"] == "not a video"
    assert (manifest["status"] == "ok").sum() == 4
    hands = pd.read_parquet(tmp_path / RUN / "sets/all.parquet").set_index("hand_id")
    pairs = pd.read_parquet(tmp_path / RUN / "pairs/all.parquet")
    anchors, partners = hands.loc[pairs["hand_id"]], hands.loc[pairs["positive_hand_id"]]
    assert len(pairs) > 20
    assert not (anchors["group_id"].to_numpy() == partners["group_id"].to_numpy()).any()
    assert {"desk", "exo_intel_asl_signer_A"} <= set(anchors["group_id"])
    report = (tmp_path / RUN / "report.html").read_text()
    assert "naïve ÿ" in report and "not a video" in report
