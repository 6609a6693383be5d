"""Moves: ports that are announced to move (``moving_to``), which are at two places for some time."""

from collections.abc import Iterable, Iterator, Set
from dataclasses import dataclass
from ipaddress import IPv4Address
from typing import ClassVar

from flows.inputs.facts import Interface
from flows.model import SegmentPort, VpcPort
from flows.units.addresses import LocalAddress, has_routes_to
from flows.units.context import HostContext, SegmentPresence
from flows.units.copies import Copies, LocalCopy, RemoteCopy
from flows.units.said import Named, Why, why
from flows.units.segments import copy_to, local_copies
from flows.units.subject import LocalPorts, Places, Plugged, Subject
from flows.units.unit import Unit


@dataclass(frozen=True, slots=True)
class ArrivingPort(Unit):
    """A port that is plugged in on this host and announced to move here."""

    owns_flows: ClassVar[bool] = True

    ofport: Named
    host: str
    why: Why


@dataclass(frozen=True, slots=True)
class MovingLocalAddress(Unit):
    """An address of a VPC that is here, or of its peer: its port is announced to move, from this host or to it."""

    owns_flows: ClassVar[bool] = True

    vpc: Named
    key: int
    ip: IPv4Address
    host: str
    """The other one of the two."""
    tunnel_ip: IPv4Address
    tunnel_port: Named
    why: Why

    @property
    def sends_to(self) -> tuple[IPv4Address, ...]:
        return (self.tunnel_ip,)


@dataclass(frozen=True, slots=True)
class MovingRemoteAddress(Unit):
    """An address of a VPC that is here, or of its peer: its port is announced to move between two other hosts."""

    owns_flows: ClassVar[bool] = True

    vpc: Named
    key: int
    ip: IPv4Address
    old_host: str
    old_tunnel_ip: IPv4Address
    new_host: str
    new_tunnel_ip: IPv4Address
    tunnel_port: Named
    why: Why

    @property
    def sends_to(self) -> tuple[IPv4Address, ...]:
        return (self.old_tunnel_ip, self.new_tunnel_ip)


@dataclass(frozen=True, slots=True)
class OwnAddress(Unit):
    """An address of a port that is plugged in here and, as it is announced to move, on another host too."""

    owns_flows: ClassVar[bool] = True

    vpc: Named
    ip: IPv4Address
    ofport: Named
    why: Why


@dataclass(frozen=True, slots=True)
class AnnouncedMac(Unit):
    """A MAC address of a VLAN whose port is announced to move: who gets copies."""

    owns_flows: ClassVar[bool] = True

    vlan: Named
    mac: str
    copies: Copies
    why: Why


@dataclass(frozen=True, slots=True)
class MovingPort(Unit):
    """A port that is on this host and on another one, as long as it is announced to move: what it may not get."""

    owns_flows: ClassVar[bool] = True

    vlan: Named
    mac: str
    """The address that both halves speak under."""
    ofport: Named
    others: Copies
    """Copies for everybody else on this host."""
    comes_by_tunnel: bool
    """Whether what the other half sends comes by a tunnel."""
    uplink: Named | None
    """The port to the physical network by which it comes instead."""
    why: Why


def _of_vpc_port(here: HostContext, port: VpcPort, places: Places, interface: Plugged) -> Iterable[Unit]:
    return () if len(places) < 2 else _of_moving_vpc_port(here, port, places, interface)


def _of_moving_vpc_port(here: HostContext, port: VpcPort, places: Places, interface: Plugged) -> Iterator[Unit]:
    vpc, reason = here.vpcs[port.vpc], why(port)
    if has_routes_to(here, port):
        yield from _addresses(here, port, places)
    if interface is not None:
        ofport = Named(interface.ofport, port.name)
        yield from (OwnAddress(vpc.vpc, ip, ofport, reason) for ip in port.ips)
        yield from _arriving(here, port, places, interface)


def _addresses(here: HostContext, port: VpcPort, places: Places) -> Iterator[Unit]:
    """Where the addresses of a port are, as the route tables of its own VPC and of its peers see it."""
    vpc, reason = here.vpcs[port.vpc], why(port)
    if here.tunnel is None:
        if here.host in places:
            yield from (LocalAddress(vpc.vpc, ip, reason) for ip in port.ips)
        return
    remote = [(host, here.network.hosts[host].tunnel_ip) for host in places if host != here.host]
    for ip in port.ips:
        match remote:
            case [there]:
                yield MovingLocalAddress(vpc.vpc, vpc.key, ip, *there, here.tunnel, reason)
            case [old, new]:
                yield MovingRemoteAddress(vpc.vpc, vpc.key, ip, *old, *new, here.tunnel, reason)


def _of_segment(here: HostContext, presence: SegmentPresence, ports: LocalPorts, hosts: Set[str]) -> Iterator[Unit]:
    moving = [port for port, _ in ports if port.moving_to is not None]
    if not moving:
        return
    local = local_copies(presence, ports)
    uplink = None if presence.uplink is None else presence.uplink[0]
    for port in moving:
        own = next(copy for copy in local if str(copy.ofport) == port.name)
        others = Copies(tuple(copy for copy in local if copy is not own and copy.ofport != uplink))
        ofport = Named(own.ofport, port.name)
        by_tunnel = presence.tunnel is not None
        yield MovingPort(presence.vlan, port.mac_address, ofport, others, by_tunnel, uplink, why(port))


def _of_segment_port(here: HostContext, port: SegmentPort, places: Places, interface: Plugged) -> Iterable[Unit]:
    return () if len(places) < 2 else _of_moving_segment_port(here, port, places, interface)


def _of_moving_segment_port(here: HostContext, port: SegmentPort, places: Places, interface: Plugged) -> Iterator[Unit]:
    for segment in here.network.segments_of(port):
        presence = here.segments.get(segment.name)
        if presence is not None and presence.learning is not None and port.mac is not None:
            yield from _announced(here, port, port.mac, presence, places, interface)
    if interface is not None:
        yield from _arriving(here, port, places, interface)


def _announced(
    here: HostContext,
    port: SegmentPort,
    mac: str,
    presence: SegmentPresence,
    places: Places,
    interface: Plugged,
) -> Iterator[Unit]:
    """Who gets copies for a declared MAC address."""
    local, remote = list[LocalCopy](), list[RemoteCopy]()
    if interface is not None:
        local.append(copy_to(port, interface, presence.segment))
    if presence.uplink is not None:
        local.append(LocalCopy(*presence.uplink))
    elif presence.tunnel is not None:
        assert presence.segment.id is not None
        for host in places:
            if host != here.host:
                tunnel_ip = here.network.hosts[host].tunnel_ip
                remote.append(RemoteCopy(host, tunnel_ip, presence.tunnel, presence.segment.id))
    if local or remote:
        yield AnnouncedMac(presence.vlan, mac, Copies(tuple(local), tuple(remote)), why(port))


def _arriving(here: HostContext, port: VpcPort | SegmentPort, places: Places, interface: Interface) -> Iterator[Unit]:
    if places[1:] == (here.host,):
        yield ArrivingPort(Named(interface.ofport, port.name), here.host, why(port))


MOVES = Subject(
    units=(ArrivingPort, MovingLocalAddress, MovingRemoteAddress, OwnAddress, AnnouncedMac, MovingPort),
    sections={"vpcs", "segments", "hosts"},
    of_vpc_port=_of_vpc_port,
    of_segment=_of_segment,
    of_segment_port=_of_segment_port,
)
