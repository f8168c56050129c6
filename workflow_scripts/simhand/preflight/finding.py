"""What a check found."""

from typing import NamedTuple


class Finding(NamedTuple):
    """One line of the preflight: ``ok`` is False for a problem and None for what could not be checked."""

    ok: bool | None
    what: str
    detail: str
