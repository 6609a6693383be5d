"""The place of the one controller of a state directory: a lock that ends with the process, however it ends."""

import fcntl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

_MOMENT = 0.2
"""Seconds."""


class ControllerLock:
    """One place. Several objects of one process that stand for it know nothing of each other."""

    def __init__(self, directory: Path) -> None:
        self._lock = directory / "controller.lock"
        self.is_ours = False
        """Whether it was taken by this very object."""

    @contextmanager
    def take(self) -> Iterator[None]:
        """Hold the place. Raises BlockingIOError when it is taken."""
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
    """Lock for good. Who only asks whether the place is taken locks it for a moment too, and is waited for."""
    end = time.monotonic() + _MOMENT
    while True:
        try:
            return fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > end:
                raise
            time.sleep(_MOMENT / 100)
