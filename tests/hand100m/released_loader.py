"""What the released loaders do with an annotation file, written anew from notes on their behaviour.

Nothing of the project is imported: this is the other side of the exchange.
"""

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np

SCALE, SIDE = 1.3, 224


class ReleasedLoader:
    """A data set over one annotation file and the folder of its images (there: ``DATA_PATH/Hand2M``)."""

    def __init__(self, annotations: Path, root: Path) -> None:
        content = json.loads(annotations.read_text())
        self.hands, self.root = content["annotations"], root
        self.images = {image["id"]: image for image in content["images"]}
        self.index = {hand["hand_id"]: place for place, hand in enumerate(self.hands)}
        assert len(self.index) == len(self.hands)

    def __len__(self) -> int:
        return len(self.hands)

    def __getitem__(self, place: int) -> dict[str, Any]:
        hand = self.hands[place]
        image = cv2.imread(str(self.root / self.images[hand["image_id"]]["file_name"]))
        crop = square_of_box(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), json.loads(hand["boxes"]))
        joints = np.array(hand["keypoint_25d"]).reshape(21, 3)[:, :2] * SIDE
        if hand["left_right"] == "Left":
            crop = cv2.flip(crop, 1)
            joints[:, 0] = SIDE - joints[:, 0]
        positive = str(hand["positive_sample"][0])
        return {
            "hand_id": int(hand["hand_id"]),
            "image": crop,
            "joints": joints,
            "positive": positive,
            "positive_index": self.index[positive],
            "distance": hand["distance"][0],
        }


def square_of_box(image: np.ndarray, box: list[float]) -> np.ndarray:
    """The box, grown and made square, as far as the image reaches; squashed to SIDE x SIDE."""
    x1, y1, x2, y2 = map(int, box)
    width, height = x2 - x1, y2 - y1
    margin_x, margin_y = int((int(SCALE * width) - width) / 2), int((int(SCALE * height) - height) / 2)
    x1, y1, x2, y2 = x1 - margin_x, y1 - margin_y, x2 + margin_x, y2 + margin_y
    half = max(x2 - x1, y2 - y1) // 2
    centre_x, centre_y = (x1 + x2) / 2, (y1 + y2) / 2
    left, right = max(0, int(centre_x - half)), min(image.shape[1], int(centre_x + half))
    top, bottom = max(0, int(centre_y - half)), min(image.shape[0], int(centre_y + half))
    return cv2.resize(image[top:bottom, left:right], (SIDE, SIDE))
