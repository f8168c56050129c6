"""A full disk stops a shard with words that help; nothing half-written stays, what is finished is kept."""

import os
import resource
import shutil
import subprocess

import pytest
from shard_scripts import Shard, encode, hooks, in_one_shard, render_hands

from simhand.errors import EXIT_DISK_FULL

pytestmark = pytest.mark.xdist_group("disk_full")


@pytest.fixture(scope="module")
def clips(tmp_path_factory):
    """Three small clips and one whose frames take some hundred kilobytes, in the middle of the shard."""
    folder = tmp_path_factory.mktemp("clips")
    paths = [encode(folder / f"{name}.mp4") for name in "abd"]
    large = folder / "c.mp4"
    encode(large, "testsrc2", 12, "-vf", "scale=640:480,noise=alls=80")
    return [*paths[:2], large, *paths[2:]]


@pytest.fixture(scope="module")
def undisturbed(clips, tmp_path_factory):
    shard = Shard(tmp_path_factory.mktemp("undisturbed"), in_one_shard(clips))
    done = shard.run("frames", threads=2)
    assert done.returncode == 0, done.stderr
    return shard


@pytest.fixture
def small_disk(tmp_path):
    """A file system of eight megabytes, which takes root."""
    folder = tmp_path / "disk"
    folder.mkdir()
    try:
        subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=8m", "none", folder], check=True, capture_output=True
        )
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"cannot mount a small file system here: {error}")
    yield folder
    subprocess.run(["umount", folder], check=True)


def test_no_room_for_a_video(small_disk, clips, undisturbed, tmp_path):
    """Room is made later; then only what did not fit is done."""
    ballast = small_disk / "ballast"
    ballast.write_bytes(bytes(8_200_000))
    environment, notes = hooks(tmp_path / "hooks")
    shard = Shard(small_disk / "run", in_one_shard(clips), environment)
    shard.folder.mkdir()
    full = shard.run("frames")
    assert full.returncode == EXIT_DISK_FULL, full.stderr
    assert "frames.arrow cannot be written: no space is left" in full.stderr
    assert f"Its file system, {small_disk}, has " in full.stderr and "free of 8.39 MB" in full.stderr
    assert "run the same command again: what is finished is kept" in full.stderr
    assert "videos are finished and take" in full.stderr or "None of its videos is finished" in full.stderr
    assert "Traceback" not in full.stderr
    assert {path.name for path in (shard.folder / "frames/own").iterdir()} <= {".0000.parts"}
    finished = len(shard.parts("frames"))
    assert finished < 4 and not list(shard.folder.glob("frames/own/.0000.parts/.*"))

    ballast.unlink()
    notes.unlink()
    done = shard.run("frames")
    assert done.returncode == 0, done.stderr
    assert len(set(notes.read_text().split())) == 4 - finished
    assert shard.outputs("frames") == undisturbed.outputs("frames")


def limited(shard, stage, bytes_per_file, **settings):
    """Run a stage that may write no larger file (``ulimit -f``)."""

    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (bytes_per_file, resource.RLIM_INFINITY))

    return subprocess.run(
        shard.command(stage, **settings),
        capture_output=True,
        text=True,
        preexec_fn=limit,
        env=os.environ | shard.environment,
    )


def test_a_limit_on_files_stops_the_worker(clips, undisturbed, tmp_path):
    """One video would need a larger file than is allowed: that is not the video's failure."""
    shard = Shard(tmp_path / "run", in_one_shard(clips))
    shard.folder.mkdir()
    full = limited(shard, "frames", 100_000)
    assert full.returncode == EXIT_DISK_FULL, full.stderr
    assert "cannot be written: the file is larger than the file system or `ulimit -f` allows" in full.stderr
    done = shard.run("frames")
    assert done.returncode == 0, done.stderr
    assert shard.outputs("frames") == undisturbed.outputs("frames")


def test_no_room_to_put_a_shard_together(clips, undisturbed, tmp_path):
    """Each part fits, the shard's file does not; all videos are finished, and stay so."""
    largest = max(path.stat().st_size for path in (undisturbed.folder / "frames/own").iterdir())
    environment, notes = hooks(tmp_path / "hooks")
    shard = Shard(tmp_path / "run", in_one_shard(clips), environment)
    shard.folder.mkdir()
    full = limited(shard, "frames", largest - 1000)
    assert full.returncode == EXIT_DISK_FULL, full.stderr
    assert "0000.arrow cannot be written" in full.stderr
    assert "4 of 4 videos are finished" in full.stderr
    notes.unlink()
    done = shard.run("frames")
    assert done.returncode == 0, done.stderr
    assert not notes.exists(), "no video is opened again"
    assert shard.outputs("frames") == undisturbed.outputs("frames")


def test_no_room_for_crops_and_keypoints(tmp_path):
    """There the first process writes, from what the workers find."""
    shard = Shard(tmp_path / "run", in_one_shard(render_hands(tmp_path, 3, 2)))
    shard.folder.mkdir()
    assert shard.run("frames").returncode == 0
    for stage in ("crops", "keypoints"):
        full = limited(shard, stage, 4000)
        assert full.returncode == EXIT_DISK_FULL, full.stderr
        assert "cannot be written" in full.stderr and "Traceback" not in full.stderr
        assert {path.name for path in (shard.folder / stage / "own").iterdir()} <= {".0000.parts"}
        done = shard.run(stage)
        assert done.returncode == 0, done.stderr
        shard.outputs(stage)


def without_rights(command):
    """Run a command as one who may not read and write everything, as root may."""
    if os.geteuid() == 0:
        if shutil.which("setpriv") is None:
            pytest.skip("root may write everywhere, and there is no setpriv to give that up")
        command = ["setpriv", "--bounding-set=-all", "--inh-caps=-all", *command]
    return subprocess.run(command, capture_output=True, text=True)


def test_a_folder_that_cannot_be_written_to_is_named(clips, tmp_path):
    shard = Shard(tmp_path / "run", in_one_shard(clips[:1]))
    (shard.folder / "frames").mkdir(parents=True)
    command = shard.command("frames")
    (shard.folder / "frames").chmod(0o555)
    done = without_rights(command)
    assert done.returncode == 65, done.stderr
    assert "cannot be written (Permission denied): make its folder writable" in done.stderr
    assert "Traceback" not in done.stderr


def test_files_that_cannot_be_read_are_named(clips, undisturbed, tmp_path):
    """A video is its own failure; frames that are there but closed stop the stage after."""
    closed = tmp_path / "closed.mp4"
    shutil.copy(clips[0], closed)
    closed.chmod(0)
    shard = Shard(tmp_path / "run", in_one_shard([clips[0], closed]))
    shard.folder.mkdir()
    done = without_rights(shard.command("frames"))
    assert done.returncode == 0, done.stderr
    assert "closed: cannot be opened: Permission denied" in done.stderr
    frames = shard.folder / "frames/own/0000.arrow"
    frames.chmod(0)
    done = without_rights(shard.command("crops"))
    assert done.returncode == 65, done.stderr
    assert "Permission denied" in done.stderr and str(frames) in done.stderr
    assert "Traceback" not in done.stderr
