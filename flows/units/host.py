"""What one host needs of the model and of the observed facts: a set of small frozen values, the units of compiling.

Each table turns each unit by itself into rule applications, so that a change costs what it touches.
"""

from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network

from flows.inputs.facts import HostFacts, Interface
from flows.inputs.locate import Locations, places
from flows.inputs.tags import Tags
from flows.model import NOTHING, Host, Network, SegmentPort, Subnet, SubnetRoute, Vpc, VpcPort
from flows.model.objects.types import Declared
from flows.units.said import Named, Why
from flows.units.segments import HostSegments
from flows.units.switching import SwitchingUnit

TUNNEL_PORT = "the tunnel port"
"""What a host's tunnel port is called."""


@dataclass(frozen=True, slots=True)
class TunnelPort:
    """The host's tunnel port."""

    ofport: Named
    why: Why


@dataclass(frozen=True, slots=True)
class RemoteHost:
    """Another host of the model: what comes from it by tunnel is taken."""

    host: str
    tunnel_ip: IPv4Address
    tunnel_port: Named
    why: Why

    def __hash__(self) -> int:
        """Each host has all the others: its name tells one from another, and to hash the rest would take long."""
        return hash((RemoteHost, self.host))


@dataclass(frozen=True, slots=True)
class LocalVpc:
    """A VPC with a port on this host."""

    vpc: Named
    key: int
    """The tunnel key: the VPC's id."""
    why: Why


@dataclass(frozen=True, slots=True)
class LocalSubnet:
    """A subnet of a VPC that is here."""

    vpc: Named
    subnet: Named
    cidr: IPv4Network
    gateway: IPv4Address
    why: Why


@dataclass(frozen=True, slots=True)
class LocalPort:
    """A port that is plugged in on this host."""

    vpc: Named
    subnet: Named
    ofport: Named
    mac: str
    ips: tuple[IPv4Address, ...]
    why: Why


def _by_address(unit: "LocalAddress | RemoteAddress | AssignedAddress") -> int:
    """There are very many of these, and an address in a VPC tells them apart: to hash the rest would take long."""
    return hash((type(unit), unit.vpc, int(unit.ip)))


@dataclass(frozen=True, slots=True)
class LocalAddress:
    """An address of a VPC that is here, or of its peer: its instance is on this host."""

    vpc: Named
    ip: IPv4Address
    why: Why

    __hash__ = _by_address


@dataclass(frozen=True, slots=True)
class RemoteAddress:
    """An address of a VPC that is here, or of its peer: its instance is on another host."""

    vpc: Named
    key: int
    ip: IPv4Address
    host: str
    tunnel_ip: IPv4Address
    tunnel_port: Named
    why: Why

    __hash__ = _by_address


@dataclass(frozen=True, slots=True)
class MovingLocalAddress:
    """An address of a VPC that is here, or of its peer: its port is announced to move, from this host or to it."""

    vpc: Named
    key: int
    ip: IPv4Address
    host: str
    """The other one of the two."""
    tunnel_ip: IPv4Address
    tunnel_port: Named
    why: Why


@dataclass(frozen=True, slots=True)
class MovingRemoteAddress:
    """An address of a VPC that is here, or of its peer: its port is announced to move between two other hosts."""

    vpc: Named
    key: int
    ip: IPv4Address
    old_host: str
    old_tunnel_ip: IPv4Address
    new_host: str
    new_tunnel_ip: IPv4Address
    tunnel_port: Named
    why: Why


@dataclass(frozen=True, slots=True)
class OwnAddress:
    """An address of a port that is plugged in here and, as it is announced to move, on another host too."""

    vpc: Named
    ip: IPv4Address
    ofport: Named
    why: Why


@dataclass(frozen=True, slots=True)
class ArrivingPort:
    """A port that is plugged in on this host and announced to move here."""

    ofport: Named
    host: str
    why: Why


@dataclass(frozen=True, slots=True)
class AssignedAddress:
    """An address that exists in a VPC that is here, on whatever host or on none."""

    vpc: Named
    ip: IPv4Address
    why: Why

    __hash__ = _by_address


@dataclass(frozen=True, slots=True)
class PeerAddress:
    """An address that a subnet's peer has, inside a route that works in both directions."""

    subnet: Named
    ip: IPv4Address
    why: Why


@dataclass(frozen=True, slots=True)
class PeerRoute:
    """A subnet's route to a peer, and the ranges of the subnet that the peer has a route back to."""

    vpc: Named
    subnet: Named
    cidr: IPv4Network
    to: IPv4Network
    peer: Named
    back: tuple[IPv4Network, ...]
    why: Why


@dataclass(frozen=True, slots=True)
class NullRoute:
    """A subnet's route to nothing."""

    subnet: Named
    to: IPv4Network
    why: Why


@dataclass(frozen=True, slots=True)
class PeerSubnet:
    """A subnet of a peer: an address inside it that is not known has nobody."""

    vpc: Named
    cidr: IPv4Network
    why: Why


Unit = (
    TunnelPort
    | RemoteHost
    | LocalVpc
    | LocalSubnet
    | LocalPort
    | LocalAddress
    | RemoteAddress
    | MovingLocalAddress
    | MovingRemoteAddress
    | OwnAddress
    | ArrivingPort
    | AssignedAddress
    | PeerAddress
    | PeerRoute
    | NullRoute
    | PeerSubnet
    | SwitchingUnit
)


def why(obj: Declared) -> Why:
    """An object of the model as a reason."""
    return Why(str(obj), obj.origin)


def view(network: Network, tags: Tags, locations: Locations, facts: HostFacts, host: str) -> frozenset[Unit]:
    """Everything that one host's flows depend on, from scratch. ``flows.compile.views`` keeps the same up to date."""
    others = (unit for other in network.hosts.values() for unit in remote_host(other, facts, host))
    return narrow_view(network, tags, locations, facts, host).union(others)


def remote_host(other: Host, facts: HostFacts, host: str) -> Iterator[RemoteHost]:
    """What a host of the model is to one host."""
    if facts.tunnel_ofport is not None and other.name != host:
        tunnel = Named(facts.tunnel_ofport, TUNNEL_PORT)
        yield RemoteHost(other.name, other.tunnel_ip, tunnel, why(other))


def narrow_view(network: Network, tags: Tags, locations: Locations, facts: HostFacts, host: str) -> frozenset[Unit]:
    """The same but for what other hosts are to the host, of which there are many and which no port changes."""
    at = {name: places(port, locations.hosts.get(name)) for name, port in network.host_ports.items()}
    plugged = {i.iface_id: i for i in facts.interfaces if host in at.get(i.iface_id, ())}
    ports = [network.host_ports[name] for name in locations.hosts]
    vpcs = HostVpcs(network, tags, facts, host, {p.vpc for p in ports if isinstance(p, VpcPort) and p.name in plugged})
    local: dict[str, list[tuple[SegmentPort, Interface]]] = {}
    hosts: dict[str, set[str]] = {}
    for port in ports:
        if isinstance(port, VpcPort):
            continue
        for segment in network.segments_of(port):
            hosts.setdefault(segment.name, set()).update(at[port.name])
            if port.name in plugged:
                local.setdefault(segment.name, []).append((port, plugged[port.name]))
    segments = HostSegments(network, tags.segments, tags.vlans.get(host, {}), facts, host, local)
    units: list[Unit] = list(vpcs.units())
    for name in segments.presences:
        units += segments.units(name, local[name], hosts[name])
    for port in network.host_ports.values():
        interface = plugged.get(port.name)
        if isinstance(port, VpcPort):
            units += vpcs.of_port(port, at[port.name], interface)
        else:
            units += segments.of_port(port, at[port.name], interface)
        units += arriving(port, at[port.name], interface, host)
    return frozenset(units)


def arriving(
    port: VpcPort | SegmentPort, places: Sequence[str], interface: Interface | None, host: str
) -> Iterator[Unit]:
    """What a port of either kind needs where it is plugged in already and announced to move to."""
    if interface is not None and places[1:] == (host,):
        yield ArrivingPort(Named(interface.ofport, port.name), host, why(port))


@dataclass(frozen=True, slots=True)
class VpcPresence:
    """How a VPC matters on a host: because it has ports here, because a peer's routes lead to it, or both."""

    vpc: Named
    key: int
    is_here: bool
    routes: tuple[tuple[Named, IPv4Network], ...]
    """Those that lead to it and work in both directions: the subnet that each belongs to, and its range."""
    subnets: tuple[tuple[Named, IPv4Network], ...]
    """Its subnets; when it is not here, those to which these routes lead."""


class HostVpcs:
    """What one host needs of the VPCs that have a port on it, and of their peers."""

    def __init__(self, network: Network, tags: Tags, facts: HostFacts, host: str, here: Set[str]) -> None:
        """``here``: the VPCs that have a port on it. Of the network's ports nothing is asked."""
        self._network = network
        self._tags = tags
        self._host = host
        self._here = here
        self._tunnel = None if facts.tunnel_ofport is None else Named(facts.tunnel_ofport, TUNNEL_PORT)
        self._routed: dict[str, None] = {}
        """The subnets to which routes lead that work in both directions."""
        self._routes: dict[str, list[tuple[Named, IPv4Network]]] = {}
        self._own = tuple(self._units())
        self.presences: Mapping[str, VpcPresence] = {
            name: self._presence(network.vpcs[name]) for name in sorted(here | self._routes.keys())
        }
        """By the VPC's name."""

    def units(self) -> Iterator[Unit]:
        """All but those of ports."""
        yield from self._own
        for vpc, subnet in (self._network.ends[end] for end in self._routed):
            if vpc.name not in self._here:
                yield PeerSubnet(self._vpc(vpc), subnet.cidr, why(subnet))

    def of_port(self, port: VpcPort, places: Sequence[str], interface: Interface | None) -> Iterator[Unit]:
        """What a port needs. ``places``: its hosts; ``interface``: the one that it has here, if it is here."""
        presence = self.presences.get(port.vpc)
        if presence is None:
            return
        reason = why(port)
        if presence.is_here:
            for ip in port.ips:
                yield AssignedAddress(presence.vpc, ip, reason)
        for subnet, to in presence.routes:
            for ip in port.ips:
                if ip in to:
                    yield PeerAddress(subnet, ip, reason)
        if presence.is_here or any(ip in cidr for _, cidr in presence.subnets for ip in port.ips):
            yield from self._addresses(port, presence, places, reason)
        if interface is not None:
            subnet_of = self._network.subnet_of(port.vpc, port.ips[0])
            assert subnet_of is not None, f"{port.name} has an address of no subnet: the model was not checked"
            tag, ofport = self._subnet(self._network.vpcs[port.vpc], subnet_of), Named(interface.ofport, port.name)
            yield LocalPort(presence.vpc, tag, ofport, port.mac, port.ips, reason)
            if len(places) > 1:
                yield from (OwnAddress(presence.vpc, ip, ofport, reason) for ip in port.ips)

    def _addresses(self, port: VpcPort, presence: VpcPresence, places: Sequence[str], reason: Why) -> Iterator[Unit]:
        """Where the addresses of a port are, as the route tables of its own VPC and of its peers see it."""
        if self._tunnel is None or places == (self._host,):
            if self._host in places:
                yield from (LocalAddress(presence.vpc, ip, reason) for ip in port.ips)
            return
        remote = [(host, self._network.hosts[host].tunnel_ip) for host in places if host != self._host]
        for ip in port.ips:
            match remote:
                case [there] if self._host in places:
                    yield MovingLocalAddress(presence.vpc, presence.key, ip, *there, self._tunnel, reason)
                case [there]:
                    yield RemoteAddress(presence.vpc, presence.key, ip, *there, self._tunnel, reason)
                case [old, new]:
                    yield MovingRemoteAddress(presence.vpc, presence.key, ip, *old, *new, self._tunnel, reason)

    def _units(self) -> Iterator[Unit]:
        if self._tunnel is not None:
            yield TunnelPort(self._tunnel, why(self._network.hosts[self._host]))
        for vpc in (self._network.vpcs[name] for name in sorted(self._here)):
            yield LocalVpc(self._vpc(vpc), vpc.id, why(vpc))
            for subnet in vpc.subnets.values():
                yield LocalSubnet(self._vpc(vpc), self._subnet(vpc, subnet), subnet.cidr, subnet.gateway, why(subnet))
                for route in subnet.routes:
                    yield self._route(vpc, subnet, route)

    def _route(self, vpc: Vpc, subnet: Subnet, route: SubnetRoute) -> Unit:
        """A route out of the VPC. Noted, when packets can take it."""
        tag = self._subnet(vpc, subnet)
        if route.via == NOTHING:
            return NullRoute(tag, route.to, why(route))
        remote = self._network.peerings[route.via].other(f"{vpc.name}/{subnet.name}")
        remote_vpc, remote_subnet = self._network.ends[remote]
        back = tuple(returning.to for returning in remote_subnet.routes if returning.via == route.via)
        if back:
            self._routed[remote] = None
            self._routes.setdefault(remote_vpc.name, []).append((tag, route.to))
        return PeerRoute(self._vpc(vpc), tag, subnet.cidr, route.to, self._vpc(remote_vpc), back, why(route))

    def _presence(self, vpc: Vpc) -> VpcPresence:
        is_here = vpc.name in self._here
        routed = (self._network.ends[end] for end in self._routed)
        subnets = vpc.subnets.values() if is_here else [subnet for of, subnet in routed if of.name == vpc.name]
        tagged = tuple((self._subnet(vpc, subnet), subnet.cidr) for subnet in subnets)
        return VpcPresence(self._vpc(vpc), vpc.id, is_here, tuple(self._routes.get(vpc.name, ())), tagged)

    def _vpc(self, vpc: Vpc) -> Named:
        return Named(self._tags.vpcs[vpc.name], f"VPC {vpc.name}")

    def _subnet(self, vpc: Vpc, subnet: Subnet) -> Named:
        end = f"{vpc.name}/{subnet.name}"
        return Named(self._tags.subnets[end], end)
