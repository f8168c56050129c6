"""The image store: all in memory where they fit, decoded at use where not, left hands mirrored."""

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from simhand.datasets.freihand import load_freihand
from simhand.errors import DataError
from simhand.finetuning import images
from simhand.finetuning.hand_dataset import HandDataset
from simhand.finetuning.images import ImageStore, UnreadableImageError
from simhand.settings.finetune import FinetuneSettings


@pytest.fixture
def opened(monkeypatch):
    """The names of the files that are opened."""
    names = []
    open_image = images.Image.open

    def spy(path):
        names.append(path.name)
        return open_image(path)

    monkeypatch.setattr(images.Image, "open", spy)
    return names


def test_a_set_that_does_not_fit_is_not_decoded_at_the_start(freihand, opened):
    samples = load_freihand(freihand, "training")
    store = ImageStore(samples, 0, False, 1)
    assert opened == ["00000000.jpg"], "one look at the size"
    first, again = store[5], store[5]
    assert opened[1:] == ["00000005.jpg", "00000005.jpg"] and np.array_equal(first, again)


def test_a_set_that_fits_is_decoded_once(freihand, opened):
    samples = load_freihand(freihand, "training")
    store = ImageStore(samples, 100, False, 1)
    at_the_start = len(opened)
    assert at_the_start == len(samples) + 1
    assert store[5] is store[5] and len(opened) == at_the_start


@pytest.mark.parametrize("cache_mb", [0, 100])
def test_left_hands_are_mirrored_and_their_width_is_checked(freihand, cache_mb):
    samples = load_freihand(freihand, "training")
    width = np.where(np.arange(len(samples)) == 3, 96, 0)
    plain = ImageStore(samples, cache_mb, False, 1)
    mirrored = ImageStore(replace(samples, mirror_width_px=width), cache_mb, False, 1)
    assert np.array_equal(mirrored[3], plain[3][:, ::-1]) and np.array_equal(mirrored[4], plain[4])
    with pytest.raises(DataError, match=r"00000003.jpg is 96 pixels wide and its labels are for 97"):
        ImageStore(replace(samples, mirror_width_px=width + (width > 0)), cache_mb, False, 1)[3]


@pytest.mark.parametrize("cache_mb", [0, 100])
def test_a_broken_image_stops_ours_and_is_replaced_in_the_release(freihand, cache_mb):
    (freihand / "training/rgb/00000003.jpg").write_bytes(b"\xff\xd8")
    samples = load_freihand(freihand, "training")
    store = ImageStore(samples, cache_mb, False, 1)
    with pytest.raises(UnreadableImageError, match=r"1 image\(s\) cannot be decoded: .*00000003.jpg"):
        HandDataset(samples, store, FinetuneSettings(input_px=32), 2.0, 0)[(-1, 3)]
    dataset = HandDataset(
        samples, store, FinetuneSettings(input_px=32, unreadable_images="substitute"), 2.0, 0
    )
    stand_in = dataset[(-1, 3)]
    others = [row for row in range(len(samples)) if row != 3]
    equal = [row for row in others if np.array_equal(dataset[(-1, row)]["image"], stand_in["image"])]
    assert len(equal) == 1
    np.testing.assert_array_equal(dataset[(-1, equal[0])]["joints_2d"], stand_in["joints_2d"])


@pytest.mark.parametrize("cache_mb", [0, 100])
def test_a_data_set_of_broken_images_is_given_up(freihand, cache_mb):
    for path in (freihand / "training/rgb").iterdir():
        path.write_bytes(b"")
    samples = load_freihand(freihand, "training")
    settings = FinetuneSettings(input_px=32, unreadable_images="substitute")
    with pytest.raises(DataError, match="cannot be decoded"):
        HandDataset(samples, ImageStore(samples, cache_mb, False, 1), settings, 2.0, 0)[(-1, 3)]


def test_unreadable_images_are_named_and_the_store_holds_the_others(freihand):
    folder = freihand / "training/rgb"
    whole = (folder / "00000002.jpg").read_bytes()
    (folder / "00000002.jpg").write_bytes(whole[: len(whole) // 2])
    (folder / "00000005.jpg").write_bytes(b"")
    (folder / "00000007.jpg").write_text("an error page")
    store = ImageStore(load_freihand(freihand, "training"), 100, False, 2)
    assert store.unreadable == [2, 5, 7]
    with pytest.raises(
        DataError, match=r"3 image\(s\) cannot be decoded: .*00000002.jpg.*00000005.jpg.*00000007.jpg"
    ):
        store.raise_unreadable()
    assert np.array_equal(store[3], np.asarray(Image.open(folder / "00000003.jpg")))


def test_images_are_the_same_with_and_without_room_to_keep_them(freihand):
    samples = load_freihand(freihand, "training")
    kept, read_again = ImageStore(samples, 100, False, 1), ImageStore(samples, 0, False, 1)
    assert kept[4] is kept[4] and read_again[4] is not read_again[4]
    assert np.array_equal(kept[4], read_again[4])


def test_negatives_are_the_released_byte_wrap(freihand):
    samples = load_freihand(freihand, "training")
    image = ImageStore(samples, 100, False, 1)[0]
    negative = ImageStore(samples, 100, True, 1)[0]
    assert np.array_equal(negative, (256 - image.astype(int)) % 256)
