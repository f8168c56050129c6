"""How much of a shard may fail before the shard does."""

from collections.abc import Mapping

from simhand.errors import DataError
from simhand.text import listed_lines

LISTED = 20
FEWEST = 3
"""So many videos of a shard must fail before a share of them counts: one broken video is not a pattern."""


def check_failures(reasons: Mapping[str, str], total: int, max_failed_fraction: float, section: str) -> None:
    """Stop if more than ``max_failed_fraction`` of ``total`` videos failed, and at least three.

    Args:
        reasons: why each failed video failed, by its name.
        total: videos in the shard.
        max_failed_fraction: the limit, of config section ``section``.
        section: config section to name in the message.

    Raises:
        DataError: names the videos and their reasons.
    """
    if len(reasons) < FEWEST or len(reasons) <= max_failed_fraction * total:
        return
    raise DataError(
        f"{len(reasons)} of {total} videos failed, more than {section}.max_failed_fraction = "
        f"{max_failed_fraction:g} allows; mend or remove them, or raise the limit, and run again (what went "
        "well is kept):\n" + listed_lines((f"{name}: {reason}" for name, reason in reasons.items()), LISTED)
    )
