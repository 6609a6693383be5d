"""Tests run side by side (`pytest -n auto`): in which order, how many, and what runs alone. See docs/testing.md.

Each file is one worker's, so that its labs are. What measures time, or looks at the whole machine, is marked ``alone``:
while it runs, the other workers wait between two tests.
"""

import fcntl
import os
from collections.abc import Generator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

_LAYERS = ("golden", "unit", "switching", "trace", "properties", "integration")
"""Directories in the order in which they run: what costs least and tells most comes first."""


_DOOR, _INSIDE = 0, 1
"""Bytes of the room's file, each a lock."""


class Room:
    """Where workers run their tests: many at a time, or one that is alone in it. A file with two locks."""

    def __init__(self, path: Path) -> None:
        path.touch()
        self._file = os.open(path, os.O_RDWR)  # until the process ends

    def enter(self, *, alone: bool) -> None:
        """Wait until there is room. Who waits to be alone stands in the door, so that nobody else comes in."""
        self._lock(fcntl.LOCK_EX, _DOOR)
        self._lock(fcntl.LOCK_EX if alone else fcntl.LOCK_SH, _INSIDE)
        self._lock(fcntl.LOCK_UN, _DOOR)

    def leave(self) -> None:
        """Make room for others."""
        self._lock(fcntl.LOCK_UN, _INSIDE)

    def _lock(self, kind: int, byte: int) -> None:
        fcntl.lockf(self._file, kind, 1, byte)


class _Worker:
    """One of several processes that run tests."""

    def __init__(self, room: Room) -> None:
        self._room = room

    @pytest.hookimpl(wrapper=True, tryfirst=True)  # so that a test's time limit does not count how long it waits here
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        self._room.enter(alone=_is_alone(item))
        try:
            return (yield)
        finally:
            self._room.leave()


class _Head:
    """The process that hands the tests out."""

    def __init__(self) -> None:
        self._directory = TemporaryDirectory(prefix="ovs-vpc-tests-")

    def pytest_configure_node(self, node: Any) -> None:
        node.workerinput["room"] = str(Path(self._directory.name) / "room")

    def pytest_unconfigure(self) -> None:
        self._directory.cleanup()


def pytest_configure(config: pytest.Config) -> None:
    if hasattr(config, "workerinput"):
        config.pluginmanager.register(_Worker(Room(Path(config.workerinput["room"]))))
    elif config.getoption("numprocesses", None):
        config.pluginmanager.register(_Head())


def pytest_xdist_auto_num_workers() -> int:
    """One more than processors: most tests of labs wait for something, most of the time."""
    return len(os.sched_getaffinity(0)) + 1


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Layer by layer; files with tests that are alone come last, so that the other workers need not wait long."""
    tests = config.rootpath / "tests"
    alone = {item.path for item in items if _is_alone(item)}

    def order(item: pytest.Item) -> tuple[bool, int]:
        layer = item.path.relative_to(tests).parts[0]
        return item.path in alone, _LAYERS.index(layer) if layer in _LAYERS else len(_LAYERS)

    items.sort(key=order)


def _is_alone(item: pytest.Item) -> bool:
    return item.get_closest_marker("alone") is not None
