"""All switches of a network, what is plugged into them, and how packets get from one to the next. Tunnels carry packets
to the host that has the address, links to the switch at the other end. A physical network carries a frame to every
other host that is connected to it, like a network without learned addresses.
"""

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address
from typing import Protocol

from flows.compile.declared import Snapshot, host_node, switch_node
from flows.model.interfaces import interface_name
from flows.openflow.fields import ETH_TYPE, ETH_TYPE_VLAN, IN_PORT, TUN_DST, TUN_ID, TUN_SRC
from flows.pipeline.registers import ALL as REGISTERS
from flows.simulate.packet import INNER_TCI, Packet, Unsupported
from flows.simulate.packet_executor import Copy
from flows.simulate.switch import Walk

_MOST_VISITS = 1000
"""More switches than a packet and all its copies ever pass, but where frames go round in circles."""


@dataclass(frozen=True, slots=True)
class PortLocation:
    """A port of a switch."""

    node: str
    ofport: int


@dataclass(frozen=True, slots=True)
class Instance:
    """An instance or machine is plugged in, by its port's name."""

    port: str


@dataclass(frozen=True, slots=True)
class Cable:
    """A cable: a packet that leaves here comes in at other switches."""

    what: str
    to: tuple[PortLocation, ...]


@dataclass(frozen=True, slots=True)
class Router:
    """A router of the network, which is no switch."""

    name: str


@dataclass(frozen=True, slots=True)
class Tunnel:
    """The way to every other host."""

    own: int
    """The tunnel address of the host here."""


Attached = Instance | Cable | Router | Tunnel


class Forwarding(Protocol):
    """A switch, simulated or real."""

    def receive(self, packet: Packet) -> Walk:
        """Process a packet that comes in."""


@dataclass(frozen=True, slots=True)
class Sender:
    """Which copy a packet is."""

    visit: int
    """Counted from 0 in :attr:`Journey.visits`."""
    copy: int


@dataclass(frozen=True, slots=True)
class Visit:
    """A packet, or a copy of it, at one switch."""

    place: PortLocation
    packet: Packet
    sender: Sender | None
    """None: it comes from where the journey begins."""
    walk: Walk
    by: str
    """The way it came, in words; nothing at the beginning."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """A packet that came to the end of its way."""

    end: Instance | Router | None
    """None: nothing is there."""
    place: PortLocation
    packet: Packet
    sender: Sender


@dataclass(frozen=True, slots=True)
class Journey:
    """Everything that became of one packet."""

    visits: tuple[Visit, ...]
    arrivals: tuple[Arrival, ...]

    def way(self, sender: Sender) -> list[tuple[Visit, Copy]]:
        """The switches on the way of a copy, from the first one, each with the copy that leaves there."""
        visit = self.visits[sender.visit]
        before = self.way(visit.sender) if visit.sender else []
        return [*before, (visit, visit.walk.copies[sender.copy])]


class World:
    """The switches and what connects them."""

    def __init__(self, switches: Mapping[str, Forwarding], ends: Mapping[PortLocation, Attached]) -> None:
        self._switches = switches
        self._ends = ends
        self._tunnels = {end.own: place for place, end in ends.items() if isinstance(end, Tunnel)}
        self.machines = {end.port: place for place, end in ends.items() if isinstance(end, Instance)}
        """Where each machine is plugged in, by its port; those that are nowhere are not here."""

    def send(self, place: PortLocation, frame: Packet) -> Journey:
        """Let a frame come in at a port, and follow it and all its copies. Raises :class:`Unsupported`."""
        visits: list[Visit] = []
        arrivals: list[Arrival] = []
        under_way: deque[tuple[PortLocation, Packet, Sender | None, str]] = deque()
        under_way.append((place, frame.having((IN_PORT, place.ofport)), None, ""))
        while under_way:
            if len(visits) == _MOST_VISITS:
                raise Unsupported("the packet loops")
            at, packet, sender, by = under_way.popleft()
            walk = self._switches[at.node].receive(packet)
            visits.append(Visit(at, packet, sender, walk, by))
            for index, copy in enumerate(walk.copies):
                origin = Sender(len(visits) - 1, index)
                out = PortLocation(at.node, copy.port)
                match self._ends.get(out):
                    case Cable(what, to):
                        under_way.extend((far, _arriving(copy, far), origin, f"by {what}") for far in to)
                    case Tunnel(own):
                        under_way.extend(self._by_tunnel(copy, own, origin))
                        if copy.packet[TUN_DST] not in self._tunnels:
                            arrivals.append(Arrival(None, out, copy.packet, origin))
                    case end:
                        arrivals.append(Arrival(end, out, copy.packet, origin))
        return Journey(tuple(visits), tuple(arrivals))

    def _by_tunnel(self, copy: Copy, own: int, origin: Sender) -> Iterator[tuple[PortLocation, Packet, Sender, str]]:
        to, key = copy.packet[TUN_DST], copy.packet[TUN_ID]
        far = self._tunnels.get(to)
        if far is not None:
            packet = _arriving(copy, far).having((TUN_ID, key), (TUN_SRC, own), (TUN_DST, to))
            yield far, packet, origin, f"by tunnel from {IPv4Address(own)} with key {key}"


_INSIDE = {field.name for field in (*REGISTERS.values(), IN_PORT, TUN_ID, TUN_SRC, TUN_DST)}
"""Fields that a packet has only inside one switch."""


def _arriving(copy: Copy, place: PortLocation) -> Packet:
    """What comes out of one switch, as the next one finds it."""
    packet = copy.packet
    if packet[INNER_TCI] or packet[ETH_TYPE] == ETH_TYPE_VLAN:
        raise Unsupported("a frame with several VLAN tags between switches is not simulated")
    outside = {name: value for name, value in packet.values.items() if name not in _INSIDE}
    return Packet(outside).having((IN_PORT, place.ofport))


def ends_of(snapshot: Snapshot) -> dict[PortLocation, Attached]:
    """What is plugged in where."""
    return dict([*_of_hosts(snapshot), *_of_switches(snapshot)])


def _of_hosts(snapshot: Snapshot) -> Iterator[tuple[PortLocation, Attached]]:
    physical: dict[str, list[PortLocation]] = {}
    yield from _of_instances(snapshot)
    for host, facts in snapshot.hosts.items():
        node = host_node(host)
        if facts.tunnel_ofport is not None:
            yield PortLocation(node, facts.tunnel_ofport), Tunnel(int(snapshot.network.hosts[host].tunnel_ip))
        for network, ofport in facts.physical:
            physical.setdefault(network, []).append(PortLocation(node, ofport))
    for network, places in physical.items():
        for place in places:
            others = sorted((other for other in places if other != place), key=lambda other: other.node)
            yield place, Cable(f"physical network {network}", tuple(others))


def _of_instances(snapshot: Snapshot) -> Iterator[tuple[PortLocation, Attached]]:
    """The place that a port is announced to move to comes before that where it is, from which it speaks."""
    for of in (slice(1, None), slice(0, 1)):
        for host, facts in snapshot.hosts.items():
            for interface in facts.interfaces:
                if host in snapshot.places(interface.iface_id)[of]:
                    yield PortLocation(host_node(host), interface.ofport), Instance(interface.iface_id)


def _of_switches(snapshot: Snapshot) -> Iterator[tuple[PortLocation, Attached]]:
    network = snapshot.network
    plugs = {
        (switch, plug.name): PortLocation(switch_node(switch), plug.ofport)
        for switch, facts in snapshot.switches.items()
        for plug in facts.plugs
    }
    for port in network.switch_ports.values():
        if place := plugs.get((port.switch, interface_name(port.name))):
            yield place, Instance(port.name)
    for link in network.links.values():
        here, there = ((switch, link.end(switch)) for switch in link.between)
        for one, other in ((here, there), (there, here)):
            if one in plugs:
                yield plugs[one], Cable(f"link {link.name}", (plugs[other],) if other in plugs else ())
    for router in network.routers.values():
        for name, leg in router.interfaces.items():
            if place := plugs.get((leg.switch, router.leg(name))):
                yield place, Router(router.name)
