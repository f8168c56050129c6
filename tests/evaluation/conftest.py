"""Fixtures of the evaluation's tests."""

import pytest

from simhand.files.tables import write_table


@pytest.fixture
def written(tmp_path):
    """Writes rows as a predictions file and gives its path."""

    def write(rows):
        write_table(tmp_path / "predictions.parquet", "predictions", rows)
        return tmp_path / "predictions.parquet"

    return write
