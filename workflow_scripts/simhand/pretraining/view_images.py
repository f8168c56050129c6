"""The pixels of augmented views: one bilinear sampling of each crop, and one colour matrix.

On a GPU that is torch's grid_sample and a batched matrix product. On a processor both are one compiled
loop over the pixels of a view, many times faster, for nothing is written but the result; the two differ
only by rounding. Views of a batch are independent, so that the number of threads changes nothing.
"""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numba
import numpy as np
import torch
from torch import Tensor

from simhand.pretraining.colour import HIGHEST, LOWEST, Colour, apply_colour
from simhand.pretraining.geometry import warp


def view_images(crops: Tensor, view_to_crop: Tensor, colour: Colour, size_px: int) -> Tensor:
    """The images (M, 3, size_px, size_px) of views, by ImageNet's statistics, channels last in memory.

    Args:
        crops: (M, S, S, 3) uint8 RGB; black outside.
        view_to_crop: (M, 2, 3) where the points of the views lie in their crops, both in [-1, 1].
        colour: what is done to their colours.
        size_px: side of the views.
    """
    if crops.device.type == "cpu":
        return _looped(crops, view_to_crop, colour, size_px)
    images = crops.permute(0, 3, 1, 2).float().div_(255)
    views = apply_colour(warp(images, view_to_crop, size_px), colour)
    return views.contiguous(memory_format=torch.channels_last)


def _looped(crops: Tensor, view_to_crop: Tensor, colour: Colour, size_px: int) -> Tensor:
    count, side_px = crops.shape[:2]
    sources, out = crops.numpy(), np.empty((count, size_px, size_px, 3), np.float32)
    places = _pixel_maps(view_to_crop.double().numpy(), side_px, size_px)
    colours = torch.cat([colour.matrix / 255, colour.offset[:, :, None]], dim=2).float().contiguous().numpy()
    bounds = np.array([LOWEST, HIGHEST], np.float32)

    def fill(portion: Any) -> None:
        first, end = portion[0], portion[-1] + 1
        _fill(sources[first:end], places[first:end], colours[first:end], bounds, out[first:end])

    threads = min(torch.get_num_threads(), count)
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(fill, np.array_split(np.arange(count), threads)))
    return torch.from_numpy(out).permute(0, 3, 1, 2)


def _pixel_maps(view_to_crop: Any, side_px: int, size_px: int) -> Any:
    """(M, 2, 3) float32 maps from the pixels of views, by index, to those of their crops."""
    to_view = np.array([[2 / size_px, 0, 1 / size_px - 1], [0, 2 / size_px, 1 / size_px - 1], [0, 0, 1]])
    maps = view_to_crop @ to_view * (side_px / 2)
    maps[:, :, 2] += side_px / 2 - 0.5
    return maps.astype(np.float32)


@numba.njit(nogil=True, fastmath=True)
def _fill(crops: Any, places: Any, colours: Any, bounds: Any, out: Any) -> None:
    """Fill ``out`` (M, H, H, 3); all in float32, as on a GPU."""
    size, one, last = out.shape[1], np.float32(1), np.float32(crops.shape[1] - 1)
    for view in range(len(crops)):
        crop, place = crops[view], places[view]
        pixels, stride = crop.reshape(-1), np.uintp(3 * crop.shape[0])
        for row in range(size):
            first_x = place[0, 1] * np.float32(row) + place[0, 2]
            first_y = place[1, 1] * np.float32(row) + place[1, 2]
            for column in range(size):
                x = first_x + place[0, 0] * np.float32(column)
                y = first_y + place[1, 0] * np.float32(column)
                red = green = blue = np.float32(0)
                if np.float32(0) <= x < last and np.float32(0) <= y < last:
                    left, top = np.uint32(x), np.uint32(y)
                    right, low = x - np.float32(left), y - np.float32(top)
                    at = np.uintp(top) * stride + np.uintp(3) * np.uintp(left)
                    red = _mean(pixels, at, stride, right, low)
                    green = _mean(pixels, at + np.uintp(1), stride, right, low)
                    blue = _mean(pixels, at + np.uintp(2), stride, right, low)
                elif -one < x < last + one and -one < y < last + one:
                    red, green, blue = _at_border(crop, x, y)
                for channel in range(3):
                    mix = colours[view, channel]
                    value = mix[0] * red + mix[1] * green + mix[2] * blue + mix[3]
                    out[view, row, column, channel] = min(max(value, bounds[0, channel]), bounds[1, channel])


@numba.njit(nogil=True, fastmath=True)
def _mean(pixels: Any, at: Any, stride: Any, right: Any, low: Any) -> Any:
    """The mean of a colour over four pixels, by how far ``right`` and ``low`` of the first the place is."""
    below, next_pixel = at + stride, np.uintp(3)
    south_east = right * low
    return (
        (np.float32(1) - right - low + south_east) * np.float32(pixels[at])
        + (right - south_east) * np.float32(pixels[at + next_pixel])
        + (low - south_east) * np.float32(pixels[below])
        + south_east * np.float32(pixels[below + next_pixel])
    )


@numba.njit(nogil=True)
def _at_border(crop: Any, x: Any, y: Any) -> Any:
    """Red, green and blue where some of the four pixels around lie outside and count as black."""
    left, top = int(np.floor(x)), int(np.floor(y))
    red = green = blue = np.float32(0)
    for row in range(max(top, 0), min(top + 2, len(crop))):
        for column in range(max(left, 0), min(left + 2, len(crop))):
            across, down = abs(x - np.float32(column)), abs(y - np.float32(row))
            weight = (np.float32(1) - across) * (np.float32(1) - down)
            red += weight * np.float32(crop[row, column, 0])
            green += weight * np.float32(crop[row, column, 1])
            blue += weight * np.float32(crop[row, column, 2])
    return red, green, blue
