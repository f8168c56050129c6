"""What happens in a recording: who, which hands, when they come and go, and how they move.

Everything is in the frame of the recording's first camera at rest, metres, x right, y down, z forward.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from simhand.settings.world import WorldSettings
from simhand.world.anatomy import ANGLES
from simhand.world.poses import POSE_CLASSES, pose_table, vary_angles
from simhand.world.seeding import named_generator
from simhand.world.shading import Lighting, sample_lighting
from simhand.world.views import view_of_kind

# what a recording shows, in turn: hands on the left and right side and when, as shares of its length
_PLOTS: tuple[tuple[tuple[str, float, float], ...], ...] = (
    (("right", 0.08, 0.90),),
    (("left", 0.0, 1.0), ("right", 0.0, 1.0)),
    (("left", 0.10, 0.92),),
    (("right", 0.0, 0.55), ("left", 0.35, 0.95)),
    (("left", 0.0, 0.85),),
    (("right", 0.05, 1.0), ("left", 0.2, 0.8)),
    (("right", 0.0, 1.0),),
    (("left", 0.0, 1.0), ("right", 0.12, 0.88)),
)
_EXOCENTRIC_VIEWS = (("palm", "back", "radial"), (0.60, 0.28, 0.12))
_EGOCENTRIC_VIEWS = (("ego_back", "ego_palm"), (0.6, 0.4))
_KEY_EVERY_S = 1.6
_ENTRY_S = 1.6
# share of the key moments at which a hand reaches over the picture's edge
_REACH_OUT = 0.08


@dataclass(frozen=True)
class HandTrack:
    """One hand through a recording: K key moments and what it does in each.

    times_s: (K,); angles: (K, 23) and views: (K, 3) radians; places_m: (K, 3), of the middle of the
    hand; classes: pose class per key. Between ``begin_s`` and ``end_s`` the hand exists.
    """

    side: str
    begin_s: float
    end_s: float
    times_s: np.ndarray
    angles: np.ndarray
    views: np.ndarray
    places_m: np.ndarray
    classes: tuple[str, ...]
    phases: np.ndarray


@dataclass(frozen=True)
class Recording:
    """Everything that its cameras have in common."""

    name: str
    person: str
    egocentric: bool
    lighting: Lighting
    tracks: tuple[HandTrack, ...]


def plan_recording(settings: WorldSettings, number: int) -> Recording:
    """Recording ``number`` of the world; a function of the seed and the number (and the length)."""
    name = f"rec{number:02d}"
    rng = named_generator(settings.seed, "recording", name)
    egocentric = number % 3 == 1
    plot = _PLOTS[number % len(_PLOTS)]
    tracks = tuple(
        _plan_track(
            named_generator(settings.seed, "track", name, side),
            side,
            begin,
            end,
            settings.duration_s,
            egocentric,
            len(plot) > 1,
        )
        for side, begin, end in plot
    )
    person = f"person{int(rng.integers(settings.people)):02d}"
    return Recording(name, person, egocentric, sample_lighting(rng), tracks)


def _plan_track(
    rng: np.random.Generator,
    side: str,
    begin: float,
    end: float,
    duration_s: float,
    egocentric: bool,
    paired: bool,
) -> HandTrack:
    begin_s, end_s = begin * duration_s, end * duration_s
    enters, leaves = begin > 0, end < 1
    keys = max(2, round((end_s - begin_s) / _KEY_EVERY_S))
    entry_s = min(_ENTRY_S, 0.3 * (end_s - begin_s))
    times = np.linspace(begin_s + entry_s * enters, end_s - entry_s * leaves, keys)
    kinds, weights = _EGOCENTRIC_VIEWS if egocentric else _EXOCENTRIC_VIEWS
    kind, views = rng.choice(kinds, p=weights), []
    for _ in range(keys):
        if rng.random() < 0.35:
            kind = rng.choice(kinds, p=weights)
        views.append(view_of_kind(str(kind), rng))
    classes = [POSE_CLASSES[i] for i in np.resize(rng.permutation(len(POSE_CLASSES)), keys)]
    chosen = pose_table()[[POSE_CLASSES.index(name) for name in classes]]
    noise = torch.from_numpy(rng.normal(0, 1, (keys, len(ANGLES)))).float()
    angles = vary_angles(chosen, noise).numpy().astype(np.float64)
    # my right hand is on the right of my own view and on the left of yours
    towards = (1 if side == "right" else -1) * (1 if egocentric else -1)
    across = towards * rng.uniform(0.20, 0.26, keys) if paired else rng.uniform(-0.14, 0.14, keys)
    across = across + (rng.random(keys) < _REACH_OUT) * np.where(across < 0, -0.32, 0.32)
    depth = rng.uniform(0.40, 0.54, keys) + 0.05 * paired
    places = np.stack([across * depth * 0.9, rng.uniform(-0.03, 0.06, keys) * depth / 0.5, depth], -1)
    if enters:
        times, angles, views, places, classes = _with_outside(
            0, begin_s, times, angles, views, places, classes, rng
        )
    if leaves:
        times, angles, views, places, classes = _with_outside(
            -1, end_s, times, angles, views, places, classes, rng
        )
    return HandTrack(
        side,
        begin_s,
        end_s,
        times,
        angles,
        np.stack(views),
        places,
        tuple(classes),
        rng.uniform(0, 2 * np.pi, 8),
    )


def _with_outside(
    end: int,
    time_s: float,
    times: np.ndarray,
    angles: np.ndarray,
    views: list[np.ndarray],
    places: np.ndarray,
    classes: list[str],
    rng: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray, list[np.ndarray], np.ndarray, list[str]]:
    """One more key before the first (``end`` = 0) or after the last (-1), below the picture."""
    outside = places[end] + np.array([rng.uniform(-0.08, 0.08), 0.36, 0.0]) * places[end, 2] / 0.5
    at = 0 if end == 0 else len(times)
    return (
        np.insert(times, at, time_s),
        np.insert(angles, at, angles[end], 0),
        [views[0], *views] if end == 0 else [*views, views[-1]],
        np.insert(places, at, outside, 0),
        [classes[0], *classes] if end == 0 else [*classes, classes[-1]],
    )


@dataclass(frozen=True)
class TrackState:
    """A hand at M moments: angles (M, 23), views (M, 3), places_m (M, 3), pose class names."""

    angles: Tensor
    views: Tensor
    places_m: Tensor
    classes: list[str]


def present(track: HandTrack, times_s: np.ndarray) -> np.ndarray:
    """Whether the hand exists at ``times_s`` (M,), bool."""
    return (times_s >= track.begin_s) & (times_s <= track.end_s)


def state_at(track: HandTrack, times_s: np.ndarray) -> TrackState:
    """The hand at ``times_s`` (M,): rests at each key, moves smoothly between, never quite still."""
    after = np.clip(np.searchsorted(track.times_s, times_s, side="right"), 1, len(track.times_s) - 1)
    before = after - 1
    span = track.times_s[after] - track.times_s[before]
    share = np.clip((times_s - track.times_s[before]) / span, 0, 1)
    # a quarter of the time at rest at either end; between, least jerk (Flash & Hogan 1985)
    u = np.clip((share - 0.25) / 0.5, 0, 1)
    u = (u**3 * (10 - 15 * u + 6 * u**2))[:, None]
    mixed = [
        values[before] * (1 - u) + values[after] * u for values in (track.angles, track.views, track.places_m)
    ]
    sway = np.sin(times_s[:, None] * np.array([1.1, 1.7, 2.3, 0.9, 1.3, 1.9]) + track.phases[:6])
    views = mixed[1] + np.radians(3.0) * sway[:, :3]
    places = mixed[2] + 0.006 * sway[:, 3:]
    nearest = np.where(share < 0.5, before, after)
    return TrackState(
        torch.from_numpy(mixed[0]).float(),
        torch.from_numpy(views).float(),
        torch.from_numpy(places).float(),
        [track.classes[i] for i in nearest],
    )
