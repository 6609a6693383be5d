"""The lock of the one controller of a state directory. It ends with the process, however that ends."""

import fcntl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

_MOMENT = 0.2
"""Seconds."""


class ControllerLock:
    """The lock of one directory. Several objects of one process for the same directory are independent."""

    def __init__(self, directory: Path) -> None:
        self._lock = directory / "controller.lock"
        self.is_ours = False
        """Whether it was taken by this very object."""

    @contextmanager
    def take(self) -> Iterator[None]:
        """Take the lock. Raises BlockingIOError when it is taken."""
        with self._lock.open("w") as lock:
            _lock(lock)
            self.is_ours = True
            try:
                yield
            finally:
                self.is_ours = False

    def is_taken(self) -> bool:
        """Whether a controller runs."""
        if self.is_ours:
            return True
        with self._lock.open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
            return False


def _lock(lock: TextIO) -> None:
    """Take the lock and keep it. A process that only asks whether it is taken locks it for a moment too; that is waited
    for.
    """
    end = time.monotonic() + _MOMENT
    while True:
        try:
            return fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > end:
                raise
            time.sleep(_MOMENT / 100)
