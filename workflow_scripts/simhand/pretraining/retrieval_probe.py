"""How well neighbours in the encoder's space agree with neighbours in keypoint space; needs no labels.

For a fixed sample of hands, each seen in one plain view (centred on its joints, not turned), the nearest
hand of another recording by the cosine of the encoder's features is looked up, and how far its keypoints
are. 0 is as good as choosing by the keypoints themselves, 1 as good as choosing at random:

    retrieval error = (found - best) / (chance - best), each a mean distance over the sample

Keypoints are compared as they lie in the plain view, where neither place nor size of the hand counts.
"""

import logging
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from simhand.mining.sets import load_set
from simhand.pretraining.colour import unchanged
from simhand.pretraining.data import HandSet
from simhand.pretraining.geometry import FIXED_MARGIN, GeometryRanges, place_views, points_in_view
from simhand.pretraining.random_draws import PROBE_STREAM, Int64Array, random_bits
from simhand.pretraining.training import Training
from simhand.pretraining.view_images import view_images

PLAIN = GeometryRanges(rotation_degrees=0, margin_min=FIXED_MARGIN, margin_max=FIXED_MARGIN, translation=0)
CHUNK = 256

log = logging.getLogger("simhand")


@dataclass(frozen=True)
class RetrievalProbe:
    """M hands: their ``rows`` in the set, how far apart they are and which share a recording (M, M)."""

    hands: HandSet
    rows: Int64Array
    distance: Tensor
    same_recording: Tensor

    def measure(self, training: Training) -> dict[str, float]:
        """The retrieval error of the encoder as it stands, the distances behind it, and the seconds it took.

        Nothing of the training changes: no random numbers are drawn, and BatchNorm uses its running
        statistics without adding to them.
        """
        started = time.perf_counter()
        features = torch.nn.functional.normalize(self._features(training))
        similarity = (features @ features.T).masked_fill(self.same_recording, -torch.inf)
        nearest = similarity.argmax(dim=1, keepdim=True)
        found = float(self.distance.gather(1, nearest).mean())
        best, chance = _best_and_chance(self.distance, self.same_recording)
        return {
            "retrieval_error": (found - best) / (chance - best),
            "found": found,
            "best": best,
            "chance": chance,
            "seconds": round(time.perf_counter() - started, 3),
        }

    @torch.no_grad()
    def _features(self, training: Training) -> Tensor:
        encoder, device = training.model.encoder, training.device
        half = training.settings.precision == "bfloat16"
        was_training = encoder.training
        encoder.eval()
        try:
            parts = []
            for rows in np.split(self.rows, range(CHUNK, len(self.rows), CHUNK)):
                views = plain_views(self.hands, rows, training.settings.image_size_px, device)
                with torch.autocast(device.type, dtype=torch.bfloat16, enabled=half):
                    parts.append(encoder(views).float().cpu())
        finally:
            encoder.train(was_training)
        return torch.cat(parts)


def plain_views(hands: HandSet, rows: Int64Array, size_px: int, device: torch.device) -> Tensor:
    """The crops of ``rows`` centred on their joints (M, 3, size_px, size_px), by ImageNet statistics."""
    crops = torch.from_numpy(hands.crops.take(rows)).to(device)
    in_crop = torch.from_numpy(2 * hands.keypoints[rows] - 1).to(device)
    view_to_crop = place_views(in_crop, in_crop.new_full((len(rows), 4), 0.5), PLAIN).view_to_crop
    return view_images(crops, view_to_crop, unchanged(crops), size_px)


def make_probe(hands: HandSet, set_file: Path, sample: int) -> RetrievalProbe | None:
    """A probe with ``sample`` hands, or all if there are fewer; None if that is 0 or nothing can be told."""
    if sample == 0:
        return None
    recordings = load_set(set_file, ["hand_id", "group_id"])["group_id"].to_numpy()
    index = np.arange(len(recordings))
    rows = np.sort(np.argsort(random_bits(PROBE_STREAM, index), kind="stable")[:sample])
    same = torch.from_numpy(recordings[rows][:, None] == recordings[rows])
    in_crop = torch.from_numpy(2 * hands.keypoints[rows].astype(np.float64) - 1)
    plain = place_views(in_crop, torch.full((len(rows), 4), 0.5, dtype=torch.float64), PLAIN)
    points = points_in_view(in_crop, plain.view_to_crop).flatten(1)
    distance = torch.cdist(points, points, compute_mode="donot_use_mm_for_euclid_dist")
    if not same.all():
        best, chance = _best_and_chance(distance, same)
    if same.all() or best == chance:
        log.warning("no probe: the set has hands of one recording only, or of one pose only")
        return None
    return RetrievalProbe(hands, rows, distance, same)


def _best_and_chance(distance: Tensor, same_recording: Tensor) -> tuple[float, float]:
    """Mean distance of the nearest hand of another recording, and of any hand of another recording."""
    best = distance.masked_fill(same_recording, torch.inf).amin(dim=1)
    others = (~same_recording).sum(dim=1)
    chance = distance.masked_fill(same_recording, 0).sum(dim=1) / others
    return float(best.mean()), float(chance.mean())
