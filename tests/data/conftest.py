"""What tests of tables share."""

import pytest

from kmlp.data.tables import read_table


@pytest.fixture
def read(tmp_path):
    """Writes a content and reads it as a table."""

    def reader(content: str | bytes, name: str = "a.csv", **options):
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return read_table(path, **options)

    return reader
