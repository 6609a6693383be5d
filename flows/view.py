"""What one host needs of the model and of the observed facts: a set of small frozen values, the units of compiling.

Each table turns each unit by itself into rule applications, so that a change costs what it touches.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network

from flows.facts import HostFacts, Interface
from flows.locate import Locations
from flows.model import NOTHING, Network, Subnet, SubnetRoute, Vpc, VpcPort
from flows.model.types import Declared
from flows.rules import Why
from flows.segments import HostSegments
from flows.switching import SwitchingUnit
from flows.templates import Named


@dataclass(frozen=True, slots=True)
class Tags:
    """Numbers that the store gives and keeps, all from 1.

    Those of VPCs (by name), subnets (by ``vpc/subnet``) and segments (by name) are never given again.
    """

    vpcs: Mapping[str, int]
    subnets: Mapping[str, int]
    segments: Mapping[str, int] = field(default_factory=dict)
    vlans: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    """The VLAN that each host (by name) gives a segment (by name). Without one a segment is not yet there."""


@dataclass(frozen=True, slots=True)
class TunnelPort:
    """The host's tunnel port."""

    ofport: Named
    why: Why


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


@dataclass(frozen=True, slots=True)
class Here:
    """An address of a VPC that is here, or of its peer: its instance is on this host."""

    vpc: Named
    ip: IPv4Address
    why: Why


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """An address of a VPC that is here, or of its peer: its instance is on another host."""

    vpc: Named
    key: int
    ip: IPv4Address
    host: str
    tunnel_ip: IPv4Address
    tunnel_port: Named
    why: Why


@dataclass(frozen=True, slots=True)
class Known:
    """An address that exists in a VPC that is here, on whatever host or on none."""

    vpc: Named
    ip: IPv4Address
    why: Why


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
    | LocalVpc
    | LocalSubnet
    | LocalPort
    | Here
    | Elsewhere
    | Known
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
    """Everything that one host's flows depend on."""
    vlans = tags.vlans.get(host, {})
    segments = HostSegments(network, tags.segments, vlans, locations, facts, host)
    return frozenset([*_View(network, tags, locations, facts, host).units(), *segments.units()])


class _View:
    def __init__(self, network: Network, tags: Tags, locations: Locations, facts: HostFacts, host: str) -> None:
        self._network = network
        self._tags = tags
        self._locations = locations
        self._facts = facts
        self._host = host
        self._plugged: dict[str, Interface] = {i.iface_id: i for i in facts.interfaces}
        self._ports: dict[str, list[VpcPort]] = {}
        for port in network.vpc_ports.values():
            self._ports.setdefault(port.vpc, []).append(port)
        number = facts.tunnel_ofport
        self._tunnel = Named(number, "the tunnel port") if number is not None else None

    def units(self) -> Iterator[Unit]:
        here = {
            port.vpc
            for name in self._plugged
            if (port := self._network.vpc_ports.get(name)) and self._locations.hosts.get(name) == self._host
        }
        if self._tunnel is not None:
            yield TunnelPort(self._tunnel, why(self._network.hosts[self._host]))
        routed: set[str] = set()
        for vpc in (self._network.vpcs[name] for name in sorted(here)):
            yield LocalVpc(self._vpc(vpc), vpc.id, why(vpc))
            for port in self._ports[vpc.name]:
                yield from self._port(port, vpc)
            for subnet in vpc.subnets.values():
                tag = self._subnet(vpc, subnet)
                yield LocalSubnet(self._vpc(vpc), tag, subnet.cidr, subnet.gateway, why(subnet))
                for route in subnet.routes:
                    yield from self._route(vpc, subnet, route, routed)
        yield from self._peers(routed, here)

    def _port(self, port: VpcPort, vpc: Vpc) -> Iterator[Unit]:
        for ip in port.ips:
            yield Known(self._vpc(vpc), ip, why(port))
        yield from self._addresses(port, vpc)
        interface = self._plugged.get(port.name)
        if interface is None or self._locations.hosts.get(port.name) != self._host:
            return
        subnet = self._network.subnet_of(vpc.name, port.ips[0])
        assert subnet is not None, f"{port.name} has an address of no subnet: the model was not checked"
        ofport = Named(interface.ofport, port.name)
        yield LocalPort(self._vpc(vpc), self._subnet(vpc, subnet), ofport, port.mac, port.ips, why(port))

    def _addresses(self, port: VpcPort, vpc: Vpc) -> Iterator[Unit]:
        """Where the addresses of a port are, as the route tables of its own VPC and of its peers see it."""
        location = self._locations.hosts.get(port.name)
        for ip in port.ips:
            if location == self._host:
                yield Here(self._vpc(vpc), ip, why(port))
            elif location is not None and self._tunnel is not None:
                tunnel_ip = self._network.hosts[location].tunnel_ip
                yield Elsewhere(self._vpc(vpc), vpc.id, ip, location, tunnel_ip, self._tunnel, why(port))

    def _route(self, vpc: Vpc, subnet: Subnet, route: SubnetRoute, routed: set[str]) -> Iterator[Unit]:
        """A route out of the VPC. Adds the peer's subnet to ``routed`` when packets can take the route."""
        tag = self._subnet(vpc, subnet)
        if route.via == NOTHING:
            yield NullRoute(tag, route.to, why(route))
            return
        far = self._network.peerings[route.via].other(f"{vpc.name}/{subnet.name}")
        far_vpc, far_subnet = self._network.ends[far]
        back = tuple(returning.to for returning in far_subnet.routes if returning.via == route.via)
        yield PeerRoute(self._vpc(vpc), tag, subnet.cidr, route.to, self._vpc(far_vpc), back, why(route))
        if not back:
            return
        routed.add(far)
        for port in self._ports.get(far_vpc.name, ()):
            for ip in port.ips:
                if ip in route.to:
                    yield PeerAddress(tag, ip, why(port))

    def _peers(self, routed: set[str], here: set[str]) -> Iterator[Unit]:
        """What the route table needs of peers that are not here themselves."""
        for vpc, subnet in (self._network.ends[end] for end in sorted(routed)):
            if vpc.name in here:
                continue
            yield PeerSubnet(self._vpc(vpc), subnet.cidr, why(subnet))
            for port in self._ports.get(vpc.name, ()):
                if any(ip in subnet.cidr for ip in port.ips):
                    yield from self._addresses(port, vpc)

    def _vpc(self, vpc: Vpc) -> Named:
        return Named(self._tags.vpcs[vpc.name], f"VPC {vpc.name}")

    def _subnet(self, vpc: Vpc, subnet: Subnet) -> Named:
        end = f"{vpc.name}/{subnet.name}"
        return Named(self._tags.subnets[end], end)
