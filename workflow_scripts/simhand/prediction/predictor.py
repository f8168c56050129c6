"""Hands in pictures, with their 3D pose: cut out as in fine-tuning, predicted, and put back."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray

from simhand.datasets.samples import mirror_pixels, mirror_points
from simhand.finetuning.batches import Batch
from simhand.finetuning.crop_geometry import crop_around, warp
from simhand.finetuning.outputs import FinetunedModel
from simhand.finetuning.pose_decoding import decode_maps, metric_pose, solve_root_translation, to_image
from simhand.finetuning.step import predict_maps
from simhand.hands.detector import DetectedHand
from simhand.prediction.camera import Camera

Array = NDArray[np.float64]
Picture = NDArray[np.uint8]


@dataclass(frozen=True)
class PredictedHand:
    """A hand as it was found, and its predicted pose.

    Attributes:
        found: box, side, score and landmarks of the detector.
        points_2d: (21, 2) pixels of the picture.
        joints_m: (21, 3) metres from the wrist, axes of the camera (x right, y down, z forward).
        root_m: (3,) the wrist in the frame of the camera, metres; NaN without a camera matrix.
    """

    found: DetectedHand
    points_2d: Array
    joints_m: Array
    root_m: Array


class HandPredictor:
    """Predicts the hands of pictures with one fine-tuned model; a picture's result depends on it alone."""

    def __init__(self, model: FinetunedModel, camera: Camera | None, device: torch.device) -> None:
        self._network = model.network.to(device)
        self._settings, self._bone_0_9_m = model.settings, model.bone_0_9_m
        self._crop_factor, self._camera, self._device = model.crop_factor, camera, device

    def predict(self, picture: Picture, found: Sequence[DetectedHand]) -> list[PredictedHand]:
        """The hands of a picture, in the order in which they were found.

        Args:
            picture: (height, width, 3) uint8 RGB.
            found: by a detector that gives landmarks.
        """
        if not found:
            return []
        height, width = picture.shape[:2]
        widths = np.array([width if hand.side == "left" else 0 for hand in found])
        landmarks = mirror_pixels(np.stack([_landmarks(hand) for hand in found]), widths)
        cuts = [
            self._cut(picture, mirrored > 0, points)
            for mirrored, points in zip(widths, landmarks, strict=True)
        ]
        crop_xy, location = self._read(np.stack([image for image, _ in cuts]))
        points_2d = mirror_pixels(to_image(np.stack([affine for _, affine in cuts]), crop_xy), widths)
        unknown = np.full(len(found), np.nan)
        joints_m = mirror_points(metric_pose(location, unknown, self._bone_0_9_m), widths > 0)
        roots_m = np.full((len(found), 3), np.nan)
        if self._camera is not None:
            matrices = np.tile(self._camera.intrinsics(width, height), (len(found), 1, 1))
            roots_m = solve_root_translation(points_2d, joints_m, matrices)
        return [PredictedHand(*row) for row in zip(found, points_2d, joints_m, roots_m, strict=True)]

    def _cut(self, picture: Picture, mirrored: bool, points: Array) -> tuple[Picture, Array]:
        """The crop around ``points``, of the mirror image or not, and the affine (3, 3) it was cut by."""
        settings = self._settings
        image = np.ascontiguousarray(picture[:, ::-1]) if mirrored else picture
        if settings.negative_images:
            image = np.negative(image)
        crop = crop_around(points, self._crop_factor, settings.crop_geometry == "truncated")
        affine = crop.affine(settings.input_px)
        return warp(image, affine, settings.input_px, nearest=settings.warp == "nearest"), affine

    @torch.no_grad()
    def _read(self, images: Picture) -> tuple[Array, Array]:
        """Joints in the crops (N, 21, 2), and in lengths of bone 0-9 from the root (N, 21, 3)."""
        batch = cast(Batch, {"image": torch.from_numpy(images).to(self._device)})
        maps = predict_maps(self._network, batch, self._settings, training=False)
        decoded = decode_maps(maps, below_cell=self._settings.heat_targets == "exact")
        return decoded.crop_xy.double().cpu().numpy(), decoded.location.double().cpu().numpy()


def _landmarks(hand: DetectedHand) -> Array:
    assert hand.landmarks is not None
    return hand.landmarks[:, :2].astype(np.float64)
