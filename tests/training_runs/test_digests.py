"""Code counts by what it does, not by how it is told."""

from simhand.training_runs.digests import without_comments


def test_comments_and_docstrings_do_not_count():
    plain = "X = 1\n\n\ndef f(a):\n    return a + X\n\n\ndef g():\n    pass\n"
    told = (
        '"""A module."""\nX = 1  # one\n"""What X is."""\n\ndef f(a):\n    """Add."""\n'
        '    # why\n    return (a\n            + X)\n\n\ndef g():\n    """Nothing."""\n'
    )
    assert without_comments(plain) == without_comments(told)
    assert without_comments(plain) != without_comments(plain.replace("+", "-"))
    assert without_comments('X = "text"') != without_comments('X = "another"')
