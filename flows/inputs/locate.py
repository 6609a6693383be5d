"""On which host is each port?

A declared host wins, from the moment that it has the port's interface. Until then a port that is being moved stays
where it was. Without a declared host, the first host that claimed the port has it until it gives it up.

A port that is announced to move (``moving_to``) is reached on two hosts: where it is, and where it will be. It is on
the new one once that has its interface and the old one no longer has it.
"""

from collections.abc import Mapping, Set
from dataclasses import dataclass

from flows.inputs.facts import HostFacts, Interface
from flows.model import Network, SegmentPort, VpcPort


@dataclass(frozen=True, slots=True)
class Locations:
    """Where each port is, and the claims that lost."""

    hosts: Mapping[str, str]
    """Port name to host name; a port that is nowhere is not in it."""
    refused: Mapping[str, Set[str]]
    """Port name to the hosts that have an interface for it although it is another host's; only where there are any."""


def places(port: VpcPort | SegmentPort, location: str | None) -> tuple[str, ...]:
    """The hosts that get what is sent to a port: where it is, then where it is announced to move to."""
    if location is None:
        return ()
    return (location,) if port.moving_to in (None, location) else (location, port.moving_to)


def locate(network: Network, facts: Mapping[str, HostFacts]) -> Locations:
    """Locate every port that is on a host, from scratch. :class:`Locator` keeps the same up to date.

    Of several claims the one of the host that had the port before comes first (its own database keeps a mark), then the
    first by name. So the result depends on nothing but the present claims.
    """
    locator = Locator()
    for host, observed in facts.items():
        if host in network.hosts:
            locator.observe(host)
            for interface in observed.interfaces:
                locator.claim(interface.iface_id, host, interface)
    for port in network.host_ports.values():
        locator.declare(port.name, port)
    return locator.locations


class Locator:
    """Where the ports are, changed port by port and claim by claim."""

    def __init__(self) -> None:
        self._declared: dict[str, tuple[str | None, str | None]] = {}
        """The host that each port declares, and the one that it is announced to move to."""
        self._claims: dict[str, dict[str, bool]] = {}
        """The hosts that have an interface for a name, and whether each had the port before."""
        self._observed: set[str] = set()
        self.announced: set[str] = set()
        """The ports that are announced to move."""
        self.arrived: set[str] = set()
        """Those of them that are where they were announced to move to."""
        self._hosts: dict[str, str] = {}
        self._refused: dict[str, Set[str]] = {}
        self._newly_refused: set[tuple[str, str]] = set()

    @property
    def locations(self) -> Locations:
        """Where the ports are now. It changes with them."""
        return Locations(self._hosts, self._refused)

    def take_refused(self) -> Set[tuple[str, str]]:
        """The claims, (port, host), that were refused since the last call, and still are."""
        taken, self._newly_refused = self._newly_refused, set()
        return taken

    def declare(self, name: str, port: VpcPort | SegmentPort | None) -> bool:
        """Declare a port of the model; None: it is not in the model any more. Returns whether its location has
        changed.
        """
        self.announced.discard(name)
        if port is None:
            self._declared.pop(name, None)
        else:
            self._declared[name] = port.host, port.moving_to
            if port.moving_to is not None:
                self.announced.add(name)
        return self._locate(name)

    def observe(self, host: str) -> None:
        """A host has reported its interfaces: from now on they are known."""
        self._observed.add(host)
        for name in list(self.announced):
            self._locate(name)

    def forget(self, host: str) -> None:
        """Nothing is known of a host any more. Its claims are gone."""
        self._observed.discard(host)
        for name in list(self.announced):
            self._locate(name)

    def claim(self, name: str, host: str, interface: Interface | None) -> bool:
        """A host has an interface for a port, or none any more. Returns whether the port's location has changed."""
        claims = self._claims.setdefault(name, {})
        if interface is not None:
            claims[host] = interface.bound
        else:
            claims.pop(host, None)
            if not claims:
                del self._claims[name]
        return self._locate(name)

    def _locate(self, name: str) -> bool:
        claims = self._claims.get(name, {})
        before = self._hosts.get(name)
        declared, announced = self._declared.get(name, (None, None))
        now = self._place(declared, announced, claims) if name in self._declared else None
        if now is None:
            self._hosts.pop(name, None)
        else:
            self._hosts[name] = now
        self.arrived.discard(name)
        if now is not None and now == announced and now in claims:
            self.arrived.add(name)
        self._refuse(name, frozenset() if now is None else claims.keys() - {now, announced})
        return now != before

    def _refuse(self, name: str, hosts: Set[str]) -> None:
        """These hosts' claims of a port are refused now, and no others."""
        before = self._refused.pop(name, frozenset())
        if hosts:
            self._refused[name] = hosts
        if hosts == before:
            return
        self._newly_refused |= {(name, host) for host in hosts - before}
        self._newly_refused -= {(name, host) for host in before - hosts}

    def _place(self, declared: str | None, announced: str | None, claims: Mapping[str, bool]) -> str | None:
        """The host of one port. The announced one has it when its old one is known not to have it any more."""
        if announced not in claims:
            return _claimed(declared, claims)
        others = {host: had_it_before for host, had_it_before in claims.items() if host != announced}
        old = _claimed(declared, others)
        return announced if old in self._observed and old not in others else old


def _claimed(declared: str | None, claims: Mapping[str, bool]) -> str | None:
    """The host of one port by what is declared and claimed."""
    if declared is not None and declared in claims:
        return declared
    had_it = [host for host, had_it_before in claims.items() if had_it_before]
    if had_it:
        return min(had_it)
    return declared if declared is not None else min(claims, default=None)
