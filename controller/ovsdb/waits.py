"""Waiting for many sessions so that a wake-up costs what the woken session costs, not what all of them cost.

``ovs.poller.Poller`` asks every session what it waits for before each sleep, and sleeps in select(2), which knows no
file descriptor above 1023. Here each session is asked only after it has run.
"""

import heapq
import math
import select
from typing import Protocol

import ovs.timeval


class _File(Protocol):
    def fileno(self) -> int: ...


class Waits:
    """What one session waits for. Takes the place of ``ovs.poller.Poller`` for ``Idl.wait()``."""

    def __init__(self) -> None:
        self.files: dict[int, int] = {}
        """File descriptor -> events (poll(2))."""
        self.deadline = math.inf
        """Milliseconds, on the clock of ``ovs.timeval.msec()``."""

    def fd_wait(self, file: int | _File, events: int) -> None:
        """Wakes the session when the file is ready."""
        number = file if isinstance(file, int) else file.fileno()
        self.files[number] = self.files.get(number, 0) | events

    def timer_wait(self, milliseconds: float) -> None:
        """Wakes the session after that time."""
        self.timer_wait_until(ovs.timeval.msec() + milliseconds)

    def timer_wait_until(self, milliseconds: float) -> None:
        """Wakes the session at that time."""
        self.deadline = min(self.deadline, milliseconds)

    def immediate_wake(self) -> None:
        """Wakes the session at once."""
        self.deadline = 0.0


class Sleeper:
    """Sleeps until something that somebody waits for has happened."""

    def __init__(self) -> None:
        # poll(2), not epoll(7): it keeps nothing in the kernel, so a number that is closed and used anew is no trap.
        self._poll = select.poll()
        self._waits: dict[str, Waits] = {}
        self._owners: dict[int, str] = {}
        self._deadlines: list[tuple[float, str]] = []  # a heap; entries that no longer hold are skipped when met

    def arm(self, name: str, waits: Waits) -> None:
        """Replaces what ``name`` waits for."""
        before = self._waits.get(name, Waits())
        self._waits[name] = waits
        if waits.files != before.files:
            for number in before.files:
                self._poll.unregister(number)
                del self._owners[number]
            for number, events in waits.files.items():
                self._poll.register(number, events)
                self._owners[number] = name
        if waits.deadline not in (before.deadline, math.inf):
            heapq.heappush(self._deadlines, (waits.deadline, name))

    def disarm(self, name: str) -> None:
        """Forgets ``name``."""
        self.arm(name, Waits())
        del self._waits[name]

    def sleep(self, *, wait: bool = True) -> set[str]:
        """Returns the names of those that have something to do: at least one, unless it is not to wait."""
        self._pass_over_stale()
        timeout = None if wait else 0
        if wait and self._deadlines:
            timeout = max(0, math.ceil(self._deadlines[0][0] - ovs.timeval.msec()))
        woken = {self._owners[number] for number, _ in self._poll.poll(timeout)}
        now = ovs.timeval.msec()
        while self._deadlines and self._deadlines[0][0] <= now:
            name = heapq.heappop(self._deadlines)[1]
            woken.add(name)
            self._waits[name].deadline = math.inf
            self._pass_over_stale()
        return woken

    def _pass_over_stale(self) -> None:
        while self._deadlines and self._deadlines[0][0] != self._waits.get(self._deadlines[0][1], Waits()).deadline:
            heapq.heappop(self._deadlines)
