"""A page to browse the pairs of a set: self-contained, with a bounded sample of a large set."""

import base64
import io
import json
from math import isfinite
from pathlib import Path
from typing import Any

import numpy as np
from markupsafe import Markup
from PIL import Image, UnidentifiedImageError

from simhand.errors import DataError
from simhand.files.packed import PackedReader
from simhand.mining.sets import Int64Array
from simhand.report.mined_set import MinedSet, RankedPairs
from simhand.report.pair_sample import spread_pairs
from simhand.report.templating import render
from simhand.settings.report import ReportSettings

THUMBNAIL_PX = 112
THUMBNAIL_QUALITY = 80
DISTANCE_DECIMALS = 6


def build_pairs_page(run_dir: Path, set_name: str, settings: ReportSettings) -> str:
    """The page for set ``set_name`` of the run at ``run_dir``, as HTML without any external resource.

    Raises:
        DataError: the set, its pairs or its crops are missing or damaged.
    """
    mined = MinedSet.load(run_dir, set_name)
    pairs = sample_pairs(mined, settings.browsable_pairs)
    rows = np.unique(np.concatenate([pairs.anchors, pairs.partners]))
    data = {"hands": _hands(mined, rows), "pairs": _pairs(pairs, rows)}
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    return render(
        "pairs.html.j2",
        title=settings.title,
        run_name=run_dir.resolve().name,
        set_name=set_name,
        ranks=mined.ranks(),
        shown=len(pairs.anchors),
        total=mined.pairs.num_rows,
        anchors=len(np.unique(pairs.anchors)),
        hands=mined.hands.num_rows,
        recordings=len(np.unique(mined.groups)),
        shown_recordings=len(np.unique(mined.groups[rows])),
        # `<` never stands in the data as such, so no name can end the script element
        data=Markup(text.replace("<", "\\u003c")),
    )


def sample_pairs(mined: MinedSet, most: int) -> RankedPairs:
    """All pairs of the set if they are no more than ``most``, else those of some anchors.

    Anchors are taken with all their ranks, spread over the distances and recordings of the lowest rank,
    as many as there is room for (at least one).
    """
    if mined.pairs.num_rows <= most:
        return mined.every_pair()
    ranks = mined.ranks()
    closest = mined.of_rank(ranks[0])
    chosen = spread_pairs(closest, mined.groups, max(1, most // len(ranks)))
    return mined.of_hands(closest.anchors[chosen])


def _pairs(pairs: RankedPairs, rows: Int64Array) -> list[list[Any]]:
    """Anchor and partner as places in the list of hands, rank, and distance (null if unknown)."""
    anchors, partners = (np.searchsorted(rows, column).tolist() for column in (pairs.anchors, pairs.partners))
    distances = [
        round(distance, DISTANCE_DECIMALS) if isfinite(distance) else None
        for distance in pairs.distances.tolist()
    ]
    return [list(pair) for pair in zip(anchors, partners, pairs.ranks.tolist(), distances, strict=True)]


def _hands(mined: MinedSet, rows: Int64Array) -> list[dict[str, Any]]:
    """What the page knows of each hand; crop files are opened one after the other."""
    hands = mined.hands.take(rows).to_pylist()
    found: list[dict[str, Any]] = [{} for _ in hands]
    order = sorted(range(len(hands)), key=lambda place: (hands[place]["crop_file"], hands[place]["crop_row"]))
    by_file: dict[str, list[int]] = {}
    for place in order:
        by_file.setdefault(hands[place]["crop_file"], []).append(place)
    for crop_file, places in by_file.items():
        with PackedReader(mined.run_dir / crop_file, "crops") as crops:
            for place in places:
                hand = hands[place]
                crop = crops.row(hand["crop_row"])
                found[place] = {
                    "id": str(hand["hand_id"]),
                    "recording": hand["group_id"],
                    "video": hand["video_id"],
                    "source": hand["source"],
                    "side": hand["side"],
                    "time_s": _seconds(crop["timestamp_s"]),
                    "image": _thumbnail(crop["jpeg"], f"crop {hand['crop_row']} of {crop_file}"),
                }
    return found


def _seconds(timestamp_s: float | None) -> float | None:
    return round(timestamp_s, 2) if timestamp_s is not None and isfinite(timestamp_s) else None


def _thumbnail(jpeg: bytes, where: str) -> str:
    """The crop, smaller, as a data URI."""
    try:
        with Image.open(io.BytesIO(jpeg)) as opened:
            image = opened.convert("RGB").resize((THUMBNAIL_PX, THUMBNAIL_PX), Image.Resampling.BOX)
    except UnidentifiedImageError as error:
        raise DataError(f"{where} cannot be decoded as an image; run its stage again") from error
    buffer = io.BytesIO()
    image.save(buffer, "jpeg", quality=THUMBNAIL_QUALITY, optimize=True)
    return f"data:image/jpeg;base64,{base64.b64encode(buffer.getvalue()).decode()}"
