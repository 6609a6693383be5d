"""Whose path is tried when: each host in turn, and of each host one path after the other."""

from collections import deque
from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass
from ipaddress import IPv4Address
from typing import Protocol

PER_SECOND = 200
"""Paths that are tried in one second, if there are so many; more only where hosts would not have their turn in time."""
MOST_PER_SECOND = 1000
"""The same for any number of hosts."""
_FULL_EVERY = 4
"""Each so many turns of a host the frames are of full size. One that comes through shows that small ones do."""
_SKIPPED = 8
"""So many hosts that cannot be asked are passed over in one turn."""


class Neighbour(Protocol):
    """A host, as far as it is of interest here."""

    @property
    def neighbours(self) -> Set[IPv4Address]: ...

    @property
    def can_probe(self) -> bool: ...


@dataclass(slots=True)
class _Round:
    """The turns of one host."""

    neighbours: object
    """What ``order`` was made of."""
    order: list[str]
    turns: int = 0


@dataclass(frozen=True, slots=True)
class Turn:
    """A host tries the path to another one."""

    host: str
    other: str
    is_full: bool
    """Whether by a frame of full size."""


class Turns:
    """The turns of all hosts."""

    def __init__(self) -> None:
        self.rate = 0.0
        """How many there are in a second: each tries two paths."""
        self._due = 0.0
        """Turns that are due; the part of one that is over is kept."""
        self._addresses: Mapping[str, IPv4Address] = {}
        self._names: Mapping[IPv4Address, str] = {}
        self._ring: deque[str] = deque()
        self._rounds: dict[str, _Round] = {}

    def set_hosts(self, addresses: Mapping[str, IPv4Address]) -> None:
        """The hosts of the model with their tunnel addresses."""
        self._addresses = addresses
        self._names = {address: name for name, address in addresses.items()}
        self._ring = deque(addresses)
        self._rounds.clear()

    def count(self, hosts: Mapping[str, Neighbour]) -> None:
        """Find out how many turns there are in a second."""
        paths = sum(len(host.neighbours) for host in hosts.values())
        self.rate = min(paths, max(PER_SECOND, min(2 * len(hosts), MOST_PER_SECOND))) / 2

    def passed(self, seconds: float) -> None:
        """Time has passed."""
        self._due += self.rate * seconds

    def take(self, hosts: Mapping[str, Neighbour]) -> Iterator[Turn]:
        """Those that are due."""
        for _ in range(len(self._ring)):
            if self._due < 1:
                return
            host = self._ring[0]
            self._ring.rotate(-1)
            other = self._next(host, hosts)
            if other is None:
                continue
            self._due -= 1
            number, size = self._rounds[host].turns, len(self._rounds[host].order)
            yield Turn(host, other, (number // size + number) % _FULL_EVERY == 0)
        self._due = min(self._due, 1.0)  # no host has more to try

    def _next(self, host: str, hosts: Mapping[str, Neighbour]) -> str | None:
        """The host to which the path is tried at a host's next turn."""
        node = hosts.get(host)
        if node is None or not node.can_probe:
            return None
        turns = self._rounds.get(host)
        if turns is None or turns.neighbours is not node.neighbours:
            own = self._addresses[host]
            # Beginning after oneself, hosts that send to the same others try different ones at the same time.
            order = sorted(node.neighbours, key=lambda ip: (ip < own, ip))
            names = [self._names[ip] for ip in order if ip in self._names and ip != own]
            turns = self._rounds[host] = _Round(node.neighbours, names, turns.turns if turns else 0)
        for _ in range(min(len(turns.order), _SKIPPED)):
            turns.turns += 1
            other = turns.order[turns.turns % len(turns.order)]
            if other in hosts and hosts[other].can_probe:
                return other
        return None
