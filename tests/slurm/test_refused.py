"""Requests that SLURM can never grant: the driver ends at once and says what SLURM says."""

import pytest
from test_shards import CONFIG, SHARDS, encode

pytestmark = [pytest.mark.slurm, pytest.mark.long, pytest.mark.xdist_group("slurm")]

REFUSED = {
    "account": (
        ["--default-resources", "slurm_account=nobody", "slurm_partition=cpu"],
        "The given account nobody appears to be invalid. Available accounts:",
    ),
    "partition": (
        ["--set-resources", "extract_frames:slurm_partition=nowhere"],
        "invalid partition specified: nowhere",
    ),
    "gpu": (
        ["--set-resources", "extract_frames:gpu=1", "extract_frames:gpu_model=unheard_of"],
        "Requested node configuration is not available",
    ),
    "processors": (["--set-threads", "extract_frames=1000"], "More processors requested than permitted"),
}


def test_what_the_user_sees(workplace):
    drivers = {}
    for name, (options, _) in REFUSED.items():
        place = workplace(CONFIG, name)
        (place.folder / "videos").mkdir()
        encode(place.folder / "videos/a.mp4")
        drivers[name] = place.start(*options, "--", SHARDS[0])
    for name, driver in drivers.items():
        said = driver.finish()
        assert driver.process.returncode == 1, said
        assert REFUSED[name][1] in said, said
