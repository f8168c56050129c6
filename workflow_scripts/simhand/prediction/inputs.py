"""What a person named to be predicted: pictures, videos, or folders of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from simhand.errors import ConfigError, DataError

PICTURES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff"})
VIDEOS = frozenset(
    {".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".mpg", ".mpeg", ".ts", ".wmv", ".flv", ".3gp"}
)


@dataclass(frozen=True)
class Input:
    """A picture or a video, and the file that its overlay goes to."""

    path: Path
    is_video: bool
    overlay: Path


def find_inputs(named: Sequence[Path], out_dir: Path) -> tuple[list[Input], int]:
    """The pictures and videos of ``named``, of folders those directly in them, in the order of their names.

    What is a picture follows from the suffix; another file that is named itself is taken for a video.

    Returns:
        The inputs, and how many files of the folders are neither.

    Raises:
        DataError: a path does not exist, or a folder holds no picture and no video.
        ConfigError: two overlays would have the same name, or one would overwrite an input.
    """
    paths: list[Path] = []
    others = 0
    for path in named:
        if path.is_dir():
            files = sorted(file for file in path.iterdir() if file.is_file() and file.name[0] != ".")
            usable = [file for file in files if file.suffix.lower() in PICTURES | VIDEOS]
            if not usable:
                raise DataError(
                    f"{path} holds no picture ({_listed(PICTURES)}) and no video ({_listed(VIDEOS)}); name a "
                    "folder that does, or the files themselves"
                )
            others += len(files) - len(usable)
            paths += usable
        elif path.exists():
            paths.append(path)
        else:
            raise DataError(f"{path} does not exist; name pictures, videos, or folders of them")
    inputs = [_input(path, out_dir) for path in dict.fromkeys(paths)]
    _check_overlays(inputs)
    return inputs, others


def _input(path: Path, out_dir: Path) -> Input:
    is_video = path.suffix.lower() not in PICTURES
    return Input(path, is_video, out_dir / f"{path.stem}{'.mp4' if is_video else '.jpg'}")


def _check_overlays(inputs: Sequence[Input]) -> None:
    places = {one.path.resolve() for one in inputs}
    made: dict[Path, Path] = {}
    for one in inputs:
        if one.overlay.resolve() in places:
            raise ConfigError(f"the overlay of {one.path} would overwrite {one.overlay}; give another folder")
        if one.overlay in made:
            raise ConfigError(
                f"{made[one.overlay]} and {one.path} would both become {one.overlay.name}; rename one, or "
                "predict them one after the other into two folders"
            )
        made[one.overlay] = one.path


def _listed(suffixes: frozenset[str]) -> str:
    return ", ".join(sorted(suffixes))
