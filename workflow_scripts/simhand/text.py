"""Names in messages: the first of them, and how many more there are."""

from collections.abc import Iterable

MOST = 10
"""How many names a message lists unless told otherwise."""


def listed(names: Iterable[str], most: int = MOST, separator: str = ", ") -> str:
    """The first ``most`` names in one line, then how many more there are."""
    found = list(names)
    more = len(found) - most
    return separator.join(found[:most]) + (f" and {more} more" if more > 0 else "")


def listed_lines(names: Iterable[str], most: int | None = MOST) -> str:
    """The first ``most`` names (None: all), each in an indented line, then how many more there are."""
    lines = [f"  {name}" for name in names]
    more = len(lines) - len(lines[:most])
    return "\n".join([*lines[:most], *([f"  and {more} more"] if more else [])])
