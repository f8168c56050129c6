"""Random numbers that are a function of what they are for, not of who asks first.

A draw is the hash of (seed, epoch, position, view, which draw). Any worker can make any sample's
draws, in any order, and a resumed epoch is the same epoch. What is drawn for something else has a negative
number, a stream, in place of one of these, each its own.
"""

import numpy as np
import numpy.typing as npt

Float64Array = npt.NDArray[np.float64]
Int64Array = npt.NDArray[np.int64]
UInt64Array = npt.NDArray[np.uint64]

ORDER_STREAM = -1
"""Of an epoch's order; takes the place of a position in the epoch."""

ENCODER_STREAM = -2
"""Of what an encoder draws, such as dropout; takes the place of an epoch's number."""

PROBE_STREAM = -3
"""Of the hands that the retrieval probe looks at; takes the place of the seed, so that trainings compare."""

_STEP = np.uint64(0x9E3779B97F4A7C15)
_MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2 = np.uint64(0x94D049BB133111EB)


def uniform_draws(*keys: int | Int64Array) -> Float64Array:
    """Uniform numbers in [0, 1), one for each entry of the broadcast ``keys``."""
    return (random_bits(*keys) >> np.uint64(11)) * 2.0**-53


def random_bits(*keys: int | Int64Array) -> UInt64Array:
    """64 random bits for each entry of the broadcast ``keys`` (SplitMix64's finaliser after every key)."""
    state = np.zeros(1, np.uint64)
    for key in keys:
        state = _mix(state ^ _mix(np.atleast_1d(np.asarray(key, np.int64)).view(np.uint64) + _STEP))
    return state


def _mix(bits: UInt64Array) -> UInt64Array:
    bits = bits + _STEP
    bits = (bits ^ (bits >> np.uint64(30))) * _MIX_1
    bits = (bits ^ (bits >> np.uint64(27))) * _MIX_2
    return bits ^ (bits >> np.uint64(31))
