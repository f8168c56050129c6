"""Names in messages: no more than asked for, and the number of those left out is right."""

import pytest

from simhand.text import listed, listed_lines


@pytest.mark.parametrize(
    ("names", "expected"), [("", ""), ("ab", "a, b"), ("abc", "a, b, c"), ("abcde", "a, b, c and 2 more")]
)
def test_the_first_names_in_one_line(names, expected):
    assert listed(iter(names), 3) == expected
    assert listed(names, 3, "; ") == expected.replace(",", ";")


@pytest.mark.parametrize(
    ("names", "expected"), [("", ""), ("ab", "  a\n  b"), ("abcd", "  a\n  b\n  and 2 more")]
)
def test_the_first_names_in_lines(names, expected):
    assert listed_lines(iter(names), 2) == expected
    assert listed_lines(names, None).splitlines() == [f"  {name}" for name in names]
