"""What tests of the lab share."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from mininet_topos.lab import Lab


@pytest.fixture
def base() -> Iterator[Path]:
    """A directory for labs, short enough for sockets. Whatever a test left running is ended."""
    path = Path(tempfile.mkdtemp(prefix="lab", dir="/tmp"))
    yield path
    for lab in Lab.running(path):
        lab.down()
    shutil.rmtree(path)
