"""What kmlp 0.1.0 wrote: copies to work on, for what lies in the checkout is only read."""

import shutil
from pathlib import Path

import pytest

DATA = Path(__file__).parents[1] / "data_0_1_0"


@pytest.fixture
def old(tmp_path) -> Path:
    """A copy of all of it."""
    return Path(shutil.copytree(DATA, tmp_path / "old"))
