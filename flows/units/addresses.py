"""Ports of VPCs and their addresses: what is plugged in on a host, which addresses exist, and where they are."""

from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address
from typing import ClassVar

from flows.model import VpcPort
from flows.units.context import HostContext
from flows.units.said import Named, Why, why
from flows.units.subject import Places, Plugged, Subject
from flows.units.unit import Unit


@dataclass(frozen=True, slots=True)
class LocalPort(Unit):
    """A port that is plugged in on this host."""

    owns_flows: ClassVar[bool] = True

    vpc: Named
    subnet: Named
    ofport: Named
    mac: str
    ips: tuple[IPv4Address, ...]
    gateway: IPv4Address
    """Of its subnet."""
    why: Why
    has_groups: bool = False
    """Whether it has security groups."""


def _by_address(unit: "AssignedAddress | LocalAddress | RemoteAddress") -> int:
    """There are very many of these, and an address in a VPC tells them apart: to hash the rest would take long."""
    return hash((type(unit), unit.vpc, int(unit.ip)))


@dataclass(frozen=True, slots=True)
class AssignedAddress(Unit):
    """An address that exists in a VPC that is here, on whatever host or on none."""

    owns_flows: ClassVar[bool] = True

    vpc: Named
    ip: IPv4Address
    why: Why

    __hash__ = _by_address


@dataclass(frozen=True, slots=True)
class LocalAddress(Unit):
    """An address of a VPC that is here, or of its peer: its instance is on this host."""

    owns_flows: ClassVar[bool] = True

    vpc: Named
    ip: IPv4Address
    why: Why

    __hash__ = _by_address


@dataclass(frozen=True, slots=True)
class RemoteAddress(Unit):
    """An address of a VPC that is here, or of its peer: its instance is on another host."""

    owns_flows: ClassVar[bool] = True

    vpc: Named
    key: int
    ip: IPv4Address
    host: str
    tunnel_ip: IPv4Address
    tunnel_port: Named
    why: Why

    __hash__ = _by_address

    @property
    def sends_to(self) -> tuple[IPv4Address, ...]:
        return (self.tunnel_ip,)


def _of_vpc_port(here: HostContext, port: VpcPort, places: Places, interface: Plugged) -> Iterator[Unit]:
    """A port that is announced to move has its addresses at two places: see :mod:`flows.units.moves`."""
    vpc, reason = here.vpcs[port.vpc], why(port)
    if vpc.is_here:
        for ip in port.ips:
            yield AssignedAddress(vpc.vpc, ip, reason)
    if places == (here.host,):
        if has_routes_to(here, port):
            yield from (LocalAddress(vpc.vpc, ip, reason) for ip in port.ips)
    elif len(places) == 1 and here.tunnel is not None and has_routes_to(here, port):
        (host,) = places
        tunnel_ip = here.network.hosts[host].tunnel_ip
        for ip in port.ips:
            yield RemoteAddress(vpc.vpc, vpc.key, ip, host, tunnel_ip, here.tunnel, reason)
    if interface is not None:
        subnet = here.network.subnet_of(port.vpc, port.ips[0])
        assert subnet is not None, f"{port.name} has an address of no subnet: the model was not checked"
        tag, ofport = here.subnet(here.network.vpcs[port.vpc], subnet), Named(interface.ofport, port.name)
        has_groups = bool(here.network.groups_of(port))
        yield LocalPort(vpc.vpc, tag, ofport, port.mac, port.ips, subnet.gateway, reason, has_groups)


def has_routes_to(here: HostContext, port: VpcPort) -> bool:
    """Whether packets of this host's instances can be for a port: for its own VPC's, or by a peering."""
    vpc = here.vpcs[port.vpc]
    return vpc.is_here or any(ip in cidr for _, cidr in vpc.subnets for ip in port.ips)


ADDRESSES = Subject(
    units=(LocalPort, AssignedAddress, LocalAddress, RemoteAddress),
    sections={"vpcs", "hosts"},
    of_vpc_port=_of_vpc_port,
)
