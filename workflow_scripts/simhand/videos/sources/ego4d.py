"""Lists Ego4D in the layout of its command line tool (``ego4d/cli`` in facebookresearch/Ego4d).

``<output_directory>/v1/full_scale/<uid>.mp4`` beside a ``manifest.csv``; version v2_1 is put into ``v2``.
``ego4d.json`` lies in the output directory or, from older releases of the tool, in the version's folder.
"""

import csv
import json
import logging
import os
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

from simhand.errors import ConfigError, DataError
from simhand.settings.sources import Ego4dSource
from simhand.videos.sources.listed import ListedVideo, by_id
from simhand.videos.sources.mp4_folder import mp4_files, some, tell_differences, what_is_in
from simhand.videos.video_list import read_video_list

UID_COLUMNS = ("file_uid", "video_uid")

log = logging.getLogger("simhand")


def list_ego4d(name: str, source: Ego4dSource) -> list[ListedVideo]:
    """The videos of source ``name`` that are on disk, sorted by uid.

    What the manifest (else ``ego4d.json``) names and is not there is told, and so is a file that it does
    not name, which is taken: manifests are known to leave out videos (issues 72 and 286 of the tool).

    Raises:
        DataError: no such folder or no video in it, a list is broken, or no uid of it is on disk.
        ConfigError: several versions to choose from.
    """
    folder = dataset_folder(name, source)
    found = mp4_files(name, folder)
    offered_by, offered = _offered(folder, source.dataset)
    if source.video_uid_file is None:
        if offered_by is not None:
            tell_differences(name, found, offered, offered_by)
        return by_id(name, found)
    wanted = read_video_list(source.video_uid_file)
    taken = {uid: path for uid, path in found.items() if uid in wanted.rows}
    if not taken:
        raise DataError(
            f"sources.{name}.video_uid_file: none of the {len(wanted.rows)} uids of {wanted.path} is in "
            f"{folder.absolute()}: expected files such as {next(iter(wanted.rows))}.mp4, found "
            f"{what_is_in(folder)}; take another list, or set `dataset` to where these uids belong"
        )
    tell_differences(name, taken, wanted.rows, wanted.path)
    not_offered = sorted(set(wanted.rows) - set(taken) - set(offered))
    if offered_by is not None and not_offered:
        told = (name, len(not_offered), offered_by, some(not_offered))
        log.warning("sources.%s: %d of these are not in %s, so cannot be downloaded: %s", *told)
    return by_id(name, taken)


def dataset_folder(name: str, source: Ego4dSource) -> Path:
    """The folder that holds the videos of the source, ``<version>/<dataset>``.

    Raises:
        DataError: there is none.
        ConfigError: there are several.
    """
    root = Path(source.path).expanduser()
    found = [folder for folder in _places(root, source.dataset) if is_of(source, folder / "uid.mp4")]
    found = [folder for folder in found if folder.absolute().parent.name == source.version] or found
    if not found:
        others = [kind for kind in get_args(Ego4dSource.model_fields["dataset"].annotation)
                  if kind != source.dataset and next(_places(root, kind), None)]  # fmt: skip
        hint = f"; there is {others[0]} in it (set `dataset`)" if others else ""
        raise DataError(
            f"sources.{name}.path: expected {source.version or 'v1'}/{source.dataset} in {root.absolute()}, "
            f"found {what_is_in(root)}{hint}; give the folder that `ego4d --output_directory` was given"
        )
    if len(found) > 1:
        versions = ", ".join(folder.absolute().parent.name for folder in found)
        raise ConfigError(
            f"sources.{name}.version: {root.absolute()} has {source.dataset} of several versions, say which: "
            f"{versions}"
        )
    return found[0]


def is_of(source: Ego4dSource, path: str | Path) -> bool:
    """Whether a video at ``path`` is of the version and data set that the source now asks for."""
    folder = Path(os.path.abspath(path)).parent
    versions = (source.version, source.version.split("_")[0]) if source.version else (folder.parent.name,)
    return folder.name == source.dataset and folder.parent.name in versions


def metadata_file(folder: Path) -> Path | None:
    """The ``ego4d.json`` that belongs to a data set's folder, if it is there."""
    version = folder.absolute().parent
    places = (version / "ego4d.json", version.parent / "ego4d.json")
    return next((place for place in places if place.is_file()), None)


def _places(root: Path, dataset: str) -> Iterator[Path]:
    """Where ``dataset`` lies if ``root`` is its folder, its version's, or the output directory."""
    places = [root] if root.absolute().name == dataset else []
    places += [root / dataset, *sorted(root.glob(f"v*/{dataset}"))]
    return (place for place in places if place.is_dir())


def _offered(folder: Path, dataset: str) -> tuple[Path | None, set[str]]:
    """The file that tells which uids Ego4D offers in this data set, and these uids."""
    manifest, metadata = folder / "manifest.csv", metadata_file(folder)
    if manifest.is_file():
        return manifest, _uids_of_manifest(manifest)
    if metadata is not None and dataset != "clips":
        return metadata, _uids_of_metadata(metadata)
    return None, set()


def _uids_of_manifest(path: Path) -> set[str]:
    with path.open(newline="", encoding="utf-8-sig") as file:
        reader = csv.DictReader(file)
        columns = reader.fieldnames or []
        column = next((column for column in UID_COLUMNS if column in columns), None)
        if column is None:
            raise DataError(
                f"{path}: expected a column {' or '.join(UID_COLUMNS)}, "
                f"found {', '.join(columns) or 'none'}; download it again"
            )
        uids = set()
        for row in reader:
            if not row[column]:
                raise DataError(f"{path} line {reader.line_num}: no {column}; download it again")
            uids.add(row[column])
    return uids


def _uids_of_metadata(path: Path) -> set[str]:
    try:
        return {video["video_uid"] for video in json.loads(path.read_bytes())["videos"]}
    except (ValueError, KeyError, TypeError) as error:
        raise DataError(
            f"{path}: expected {{'videos': [{{'video_uid': ...}}]}}, found otherwise ({error!r}); "
            "download it again, or remove it"
        ) from error
