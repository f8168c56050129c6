"""Imported by the server that forks trainings: all that takes long to import or to compile."""

import child_training  # noqa: F401
import torch

from simhand.pretraining.colour import unchanged
from simhand.pretraining.view_images import view_images

torch.set_num_threads(1)
CROPS = torch.zeros(2, 8, 8, 3, dtype=torch.uint8)
view_images(CROPS, torch.eye(2, 3).expand(2, 2, 3), unchanged(CROPS), 4)
