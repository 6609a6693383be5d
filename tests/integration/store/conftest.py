"""Stores with a server of their own, which ends with the test."""

import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from controller.store import Store

Open = Callable[[], Store]


@pytest.fixture
def directory() -> Iterator[Path]:
    """A state directory."""
    path = Path(tempfile.mkdtemp(prefix="store-", dir="/tmp"))
    yield path
    shutil.rmtree(path)


@pytest.fixture
def open_store(directory: Path) -> Iterator[Open]:
    """Opens the store of the directory, as often as wanted: each is another user of it."""
    opened: list[Store] = []

    def another() -> Store:
        opened.append(Store(directory))
        return opened[-1]

    yield another
    for store in opened:
        store.close()
    assert not (directory / "db.sock").exists(), "the server was left behind"


@pytest.fixture
def store(open_store: Open) -> Store:
    return open_store()
