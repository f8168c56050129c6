"""Single pictures: where the hand is, and that light and skin do something."""

import numpy as np
import torch

from simhand.world.anatomy import sample_person
from simhand.world.backgrounds import clutter, green_screen
from simhand.world.cameras import as_tensor
from simhand.world.kinematics import pose_skeleton
from simhand.world.poses import POSE_CLASSES, pose_table
from simhand.world.render import composite, render_hands
from simhand.world.seeding import named_generator
from simhand.world.shading import sample_lighting
from simhand.world.surface import hand_capsules
from simhand.world.tracing import trace
from simhand.world.views import rotation_from_view

SIZE, FOCAL = 160, 260.0
PERSON = sample_person(0, "somebody")


def placed(poses: list[str], yaw_deg: float = 0.0):
    angles = pose_table()[[POSE_CLASSES.index(pose) for pose in poses]]
    skeleton = pose_skeleton(angles, as_tensor(PERSON.roots_m), as_tensor(PERSON.bones_m))
    view = torch.deg2rad(torch.tensor([[yaw_deg, 10.0, 5.0]])).expand(len(poses), 3)
    skeleton = skeleton.moved(rotation_from_view(view), torch.zeros(len(poses), 3))
    return skeleton.moved(
        torch.eye(3).expand(len(poses), 3, 3), torch.tensor([0, 0.01, 0.42]) - skeleton.joints.mean(1)
    )


def render(skeleton, light_name: str = "light"):
    count = len(skeleton.joints)
    light = sample_lighting(named_generator(0, light_name))
    focal, centre = torch.full((count,), FOCAL), torch.full((count, 2), SIZE / 2)
    return render_hands(skeleton, [PERSON] * count, [light] * count, focal, centre, SIZE, SIZE)


def test_silhouette_contains_the_joints_in_every_pose():
    skeleton = placed(list(POSE_CLASSES))
    layers = render(skeleton)
    pixels = (skeleton.joints[..., :2] / skeleton.joints[..., 2:] * FOCAL + SIZE / 2).floor().long()
    for hand, pose in enumerate(POSE_CLASSES):
        inside = ((pixels[hand] >= 0) & (pixels[hand] < SIZE)).all(-1)
        assert inside.sum() >= 20, pose
        x, y = pixels[hand][inside].unbind(-1)
        assert (layers.coverage[hand, y, x] > 0.5).all(), pose
        # the flesh lies before the joints, by no more than its thickness
        depth = skeleton.joints[hand, inside, 2] - layers.depth_m[hand, y, x]
        assert depth.min() > 0.002, pose


def test_silhouette_is_one_hand_without_holes_or_specks():
    coverage = render(placed(["flat_hand"])).coverage[0].numpy() > 0.5
    assert 0.08 < coverage.mean() < 0.6
    rows = np.nonzero(coverage.any(1))[0]
    assert rows[-1] == SIZE - 1, "the forearm leaves the picture"
    below_wrist = coverage[int(SIZE * 0.9)]
    assert np.abs(np.diff(below_wrist.astype(int))).sum() == 2, "one solid forearm"


def test_a_hand_does_not_depend_on_what_is_rendered_beside_it():
    together, alone = render(placed(["victory", "fist"])), render(placed(["fist"]))
    torch.testing.assert_close(together.rgb[1], alone.rgb[0], atol=1e-4, rtol=0)
    torch.testing.assert_close(together.coverage[1], alone.coverage[0], atol=1e-4, rtol=0)


def test_normals_are_unit_and_face_the_camera():
    capsules = hand_capsules(placed(["grasp"]), [PERSON])
    groups = trace(capsules, torch.tensor([FOCAL]), torch.full((1, 2), SIZE / 2), SIZE, SIZE)
    solid = [hits.coverage == 1 for hits in groups]
    normal = torch.cat([hits.normal[mask] for hits, mask in zip(groups, solid, strict=True)])
    point = torch.cat([hits.point[mask] for hits, mask in zip(groups, solid, strict=True)])
    share = torch.cat([hits.weights.sum(-1)[mask] for hits, mask in zip(groups, solid, strict=True)])
    assert len(normal) > 2000
    torch.testing.assert_close(normal.norm(dim=-1), torch.ones(len(normal)), atol=1e-4, rtol=0)
    torch.testing.assert_close(share, torch.ones(len(share)), atol=1e-3, rtol=0)
    facing = -(normal * torch.nn.functional.normalize(point, dim=-1)).sum(-1)
    assert (facing > -0.2).float().mean() > 0.995


def test_light_and_skin_vary_the_picture():
    skeleton = placed(["open_palm"])
    first, second = render(skeleton, "one"), render(skeleton, "two")
    hand = first.coverage[0] == 1
    colour = first.rgb[0][hand]
    assert colour.std(0).min() > 0.03, "shaded, not flat"
    assert (colour[:, 0] > colour[:, 2]).float().mean() > 0.85, "skin is warmer than blue"
    assert (first.rgb[0][hand] - second.rgb[0][hand]).abs().mean() > 0.01


def test_the_nearer_hand_covers_the_farther():
    skeleton = placed(["open_palm", "open_palm"])
    shift = torch.tensor([[0.0, 0, 0.1], [0, 0, 0]])
    layers = render(skeleton.moved(torch.eye(3).expand(2, 3, 3), shift))
    layers.rgb[0], layers.rgb[1] = 0.0, 1.0
    both = (layers.coverage > 0.99).all(0)
    picture = composite(layers, [0, 1], torch.full((SIZE, SIZE, 3), 0.5))
    assert both.sum() > 500 and (picture[both] > 0.9).all()


def test_backgrounds_are_cluttered_and_seeded():
    first = clutter(160, 120, named_generator(0, "room"))
    np.testing.assert_array_equal(first, clutter(160, 120, named_generator(0, "room")))
    other = clutter(160, 120, named_generator(0, "another room"))
    assert first.shape == (120, 160, 3) and np.abs(first - other).mean() > 0.03
    for number in range(10):
        picture = clutter(160, 120, named_generator(1, number))
        assert picture.std() > 0.04 and picture.min() >= 0 and picture.max() <= 1
    green = green_screen(160, 120, named_generator(0, "studio"))
    assert (green[..., 1] > green[..., 0]).all() and (green[..., 1] > green[..., 2]).all()
