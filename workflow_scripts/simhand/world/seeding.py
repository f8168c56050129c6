"""Random generators that depend on a seed and a name, and on nothing drawn before."""

import hashlib

import numpy as np


def named_generator(seed: int, *names: str | int) -> np.random.Generator:
    """A generator for ``names`` under ``seed``: adding other names never changes its numbers."""
    digest = hashlib.sha256("/".join([str(seed), *map(str, names)]).encode()).digest()
    return np.random.default_rng(np.frombuffer(digest, dtype=np.uint32))
