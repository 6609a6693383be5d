"""What is said of bad messages: one line, and not again and again."""

import logging
import time
from collections.abc import Callable

_QUIET = 60.0
"""Seconds after a line about one machine in which no other is written about it."""
_MOST = 1000
"""Machines that are remembered; whoever can reach the port can come from many addresses."""

_log = logging.getLogger(__name__)


class BadMessages:
    """Lines about machines that speak OpenFlow badly."""

    def __init__(self, time: Callable[[], float] = time.monotonic) -> None:
        self._time = time
        self._of: dict[str, tuple[float, int]] = {}
        """By machine: until when nothing more is said of it, and how much was not said since the last line."""

    def say(self, machine: str, words: str) -> None:
        """Write a line about a machine (its IP address), unless there was one a moment ago."""
        now = self._time()
        until, unsaid = self._of.get(machine, (0.0, 0))
        if now < until:
            self._of[machine] = (until, unsaid + 1)
            return
        if len(self._of) >= _MOST:
            self._of.clear()
        self._of[machine] = (now + _QUIET, 0)
        _log.warning("switch: %s%s", words, f" ({unsaid} more like it from {machine} before)" if unsaid else "")
