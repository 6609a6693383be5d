"""When a switch is asked what it has learned.

A switch forgets by itself what it learned by flows that are gone. But Open vSwitch also learns when it counts what
cached flows have passed: up to half a second late, or later when it is busy. Version 3.1.0 may even put a removed entry
back. So it is asked a little later, and from then on now and then: how often depends on how much there is to read.
"""

LATER = (1.0, 5.0)
"""Seconds after a switch had to forget something until it is asked what it has learned: twice, as it may be busy."""
BYTES_PER_SECOND = 8000
"""How much one switch reports of its tables with learned entries, on average, when nothing happens: some 60 entries."""


class LearnedFlowPoll:
    """The times at which one switch is asked."""

    def __init__(self) -> None:
        self._soon: list[float] = []
        self._regular = 0.0
        self._read = 0

    def forgot(self, now: float) -> None:
        """It had to forget something, which may come back."""
        self._soon = [now + seconds for seconds in LATER]

    def is_soon(self, now: float) -> bool:
        """Whether it is to be asked at once, because it had to forget something."""
        return bool(self._soon) and now >= self._soon[0]

    def is_due(self, now: float) -> bool:
        """Whether the next request for its tables includes learned flows."""
        return self.is_soon(now) or now >= self._regular

    def asked(self, now: float) -> None:
        """It is asked now."""
        self._soon = [at for at in self._soon if at > now]
        self._regular, self._read = now + self._read / BYTES_PER_SECOND, 0

    def answered(self, size: int) -> None:
        """It has reported one table, in so many bytes."""
        self._read += size
