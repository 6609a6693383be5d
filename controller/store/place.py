"""The place of the one controller of a state directory: a lock that ends with the process, however it ends."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class Place:
    """One place. Several objects of one process that stand for it know nothing of each other."""

    def __init__(self, directory: Path) -> None:
        self._lock = directory / "controller.lock"
        self.is_ours = False
        """Whether it was taken by this very object."""

    @contextmanager
    def take(self) -> Iterator[None]:
        """Hold the place. Raises BlockingIOError when it is taken."""
        with self._lock.open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self.is_ours = True
            try:
                yield
            finally:
                self.is_ours = False

    def is_taken(self) -> bool:
        """Whether a controller runs."""
        if self.is_ours:
            return True
        try:
            with self.take():
                return False
        except BlockingIOError:
            return True
