"""A clock that stands still while this process is kept from running.

A session measures how long the other side is silent. A controller that gets no processor time cannot read answers that
came long ago, so time in which it did not run must not count. :data:`now` gives seconds of such a clock: it goes as
:func:`time.monotonic` does, but never further than one late wake-up of a thread that does nothing else.
"""

import time
from collections.abc import Callable
from threading import Thread

INTERVAL = 0.5
"""Seconds between two beats."""
_SLACK = 0.25
"""Seconds by which a beat may be late before that counts as being kept from running."""


class ProcessClock:
    """The clock, and the beat that it goes by."""

    def __init__(self, time: Callable[[], float] = time.monotonic, sleep: Callable[[float], None] = time.sleep) -> None:
        self._time, self._sleep = time, sleep
        self._due_and_lost: tuple[float, float] | None = None
        """When the next beat is due, and for how many seconds there was no attention; None: there is no beat yet."""

    def now(self) -> float:
        """Seconds of this clock. Any thread."""
        now = self._time()
        if self._due_and_lost is None:
            return now
        due, lost = self._due_and_lost
        return min(now, due + _SLACK) - lost

    def begin(self) -> None:
        """The first beat is due in one interval."""
        self._due_and_lost = (self._time() + INTERVAL, 0.0)

    def wait(self) -> None:
        """Wait for the next beat."""
        assert self._due_and_lost is not None
        due, lost = self._due_and_lost
        self._sleep(max(0.0, due - self._time()))
        woken = self._time()
        self._due_and_lost = (woken + INTERVAL, lost + max(0.0, woken - due - _SLACK))

    def start(self, beat: Callable[[], None]) -> None:
        """From now on a thread calls ``beat`` at each beat."""
        self.begin()
        Thread(target=self._run, args=(beat,), name="process clock", daemon=True).start()

    def _run(self, beat: Callable[[], None]) -> None:
        while True:
            self.wait()
            beat()


CLOCK = ProcessClock()
"""The clock of this process."""
now = CLOCK.now
