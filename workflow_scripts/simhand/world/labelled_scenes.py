"""Moving hands for labelled sets: recordings of their own people, seen by fixed cameras."""

from dataclasses import dataclass

import numpy as np
import torch

from simhand.settings.world import WorldSettings
from simhand.world.anatomy import Person
from simhand.world.cameras import Camera, as_tensor, recording_camera
from simhand.world.kinematics import Skeleton, stack_skeletons
from simhand.world.render import Layers, render_hands
from simhand.world.seeding import named_generator
from simhand.world.shading import Lighting
from simhand.world.videos import Scene

FPS = 2
AT_ONCE = 4  # rendered together, always from the first on: rounding must not depend on the number of threads
JPEG_QUALITY = 95


@dataclass(frozen=True)
class SeenHand:
    """A hand in one frame: number, side, and skeleton (1, ...) in the frame of the recording."""

    frame: int
    side: str
    skeleton: Skeleton


@dataclass(frozen=True)
class LabelledScene:
    """A recording of one person: the hands in its frames, and the light."""

    person: Person
    lighting: Lighting
    hands: tuple[SeenHand, ...]

    def in_frame(self, frame: int) -> list[SeenHand]:
        """The hands of one frame."""
        return [hand for hand in self.hands if hand.frame == frame]


def plan_scene(settings: WorldSettings, who: str, number: int, frames: int) -> LabelledScene:
    """The recording of person ``who`` that follows the plot of recording ``number``, ``frames`` long.

    Nobody of the rendered videos and no motion of theirs is in it.
    """
    seed = int(named_generator(settings.seed, "labelled scene", who).integers(2**31))
    changes = {"seed": seed, "people": 1, "fps": FPS, "duration_s": frames / FPS}
    scene = Scene(settings.model_copy(update=changes), f"rec{number:02d}_cam0")
    hands = [
        SeenHand(frame, hand.side, stack_skeletons([hand.skeleton], [row]))
        for hand in scene.hands
        for row, frame in enumerate(hand.frames)
    ]
    return LabelledScene(scene.person, scene.recording.lighting, tuple(hands))


def fixed_camera(settings: WorldSettings, name: str, number: int, size_px: tuple[int, int]) -> Camera:
    """Camera ``number`` of set ``name`` with pictures of ``size_px``; no lens is quite in the middle."""
    width, height = size_px
    sized = settings.model_copy(update={"width_px": width, "height_px": height})
    camera = recording_camera(sized, name, number, egocentric=False)
    shift = named_generator(settings.seed, "lens", name, number).uniform(4, 12, 2)
    centre = (camera.centre_px[0] + float(shift[0]), camera.centre_px[1] - float(shift[1]))
    return Camera(camera.focal_px, centre, camera.rotation, camera.translation_m)


def moved(skeleton: Skeleton, rotation: np.ndarray, translation_m: np.ndarray) -> Skeleton:
    """One skeleton (1, ...) after ``rotation`` (3, 3) and ``translation_m`` (3,)."""
    return skeleton.moved(as_tensor(rotation)[None], as_tensor(translation_m)[None])


def render_scene(
    scene: LabelledScene,
    skeletons: list[Skeleton],
    rotations: list[np.ndarray],
    camera: Camera,
    size_px: tuple[int, int],
    device: str,
) -> Layers:
    """``skeletons`` (1, ...) in the camera's frame, each in a picture of its own.

    ``rotations`` (3, 3) say how the camera is turned towards each: the light stands still.
    """
    count = len(skeletons)
    lamp = scene.lighting
    lights = [
        Lighting(rotation @ lamp.direction, lamp.key_rgb, lamp.sky_rgb, lamp.ground_rgb)
        for rotation in rotations
    ]
    return render_hands(
        stack_skeletons(skeletons, [0] * count),
        [scene.person] * count,
        lights,
        torch.full((count,), camera.focal_px),
        torch.tensor([camera.centre_px] * count),
        *size_px,
        device,
    )


def exposed(picture: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A picture (H, W, 3) in [0, 1] with a sensor's grain, as bytes."""
    grain = rng.normal(0, 0.006, (*picture.shape[:2], 1))
    return ((picture + grain).clip(0, 1) * 255 + 0.5).astype(np.uint8)
