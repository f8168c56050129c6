"""All pairs of M rows, a block of rows at a time: no (M, M) matrix is ever whole, and processes share it."""

from collections.abc import Iterator

from torch import Tensor

from simhand.pretraining.processes import own_share

BLOCK_BYTES = 64 * 2**20
"""Most bytes of one (rows, M) matrix. About six of them are alive at once, so a third of a GiB."""


def own_row_blocks(rows: Tensor) -> Iterator[slice]:
    """The blocks of ``rows`` (M, ...) that this process does; over all processes they are every row once."""
    share, size = own_share(len(rows)), rows_per_block(rows)
    for start in range(share.start, share.stop, size):
        yield slice(start, min(start + size, share.stop))


def rows_per_block(rows: Tensor) -> int:
    """Rows of a matrix (rows, M) of BLOCK_BYTES, in the precision of ``rows`` (M, ...); at least one."""
    return max(1, BLOCK_BYTES // (len(rows) * rows.element_size()))
