"""How many connections each port opens, and how near that is to its limit.

A port with security groups has a meter for new connections (``flows/pipeline/limits.py``). What the switch counts of it
says how many connections the port has opened, how many were too many, and, from one reading to the next, how fast.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from controller.openflow.groups_and_meters import MeterCount
from flows.compile.desired import Desired
from flows.openflow.groups_and_meters import Key, MeterEntry
from flows.pipeline.limits import NEW_CONNECTIONS
from flows.pipeline.rules import Application

_FIRST, _LAST = NEW_CONNECTIONS.meters.range


@dataclass(frozen=True, slots=True)
class Opened:
    """The new connections of one port, since its meter was made."""

    connections: int
    """Those that were let through."""
    refused: int
    """Those that were too many."""
    per_second: float
    """How many it wanted to open, between the last two readings; 0 after the first."""
    limit: int
    """How many it may open in a second."""


class NewConnections:
    """The new connections of one switch's ports. Times are seconds of one monotonic clock."""

    def __init__(self) -> None:
        self.by_port: dict[str, Opened] = {}
        self._read: dict[int, tuple[float, MeterCount]] = {}
        """The last reading of each meter."""

    def counted(self, counts: Mapping[int, MeterCount], desired: Desired | None, now: float) -> None:
        """The switch said what some of its meters have counted. Ports whose meters are not wanted are forgotten."""
        users = {} if desired is None else desired.users
        self._keep(users)
        for number, count in counts.items():
            if desired is None or not _FIRST <= number <= _LAST:
                continue
            user = next(iter(users.get(("meter", number), ())), None)
            meter = desired.groups_and_meters.get(("meter", number))
            if user is None or not isinstance(meter, MeterEntry):
                continue
            before = self._read.get(number)
            self._read[number] = now, count
            opened = Opened(count.taken - count.dropped, count.dropped, _per_second(before, now, count), meter.rate)
            self.by_port[str(user.values["port"])] = opened

    def _keep(self, users: Mapping[Key, Iterable[Application]]) -> None:
        self._read = {number: read for number, read in self._read.items() if ("meter", number) in users}
        ports = {str(user.values["port"]) for number in self._read for user in users["meter", number]}
        self.by_port = {port: opened for port, opened in self.by_port.items() if port in ports}


def _per_second(before: tuple[float, MeterCount] | None, now: float, count: MeterCount) -> float:
    """A meter that was made again counts from 0: what it has counted since then is what is known."""
    if before is None or now <= before[0]:
        return 0.0
    more = count.taken - before[1].taken
    return (count.taken if more < 0 else more) / (now - before[0])
