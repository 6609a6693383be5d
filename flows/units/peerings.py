"""Peerings: the routes of VPCs on a host to their peers, and whom these routes lead to."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network
from typing import ClassVar

from flows.model import NOTHING, VpcPort
from flows.units.context import HostContext
from flows.units.said import Named, Why, why
from flows.units.subject import Places, Plugged, Subject
from flows.units.unit import Unit


@dataclass(frozen=True, slots=True)
class PeerRoute(Unit):
    """A subnet's route to a peer, and the ranges of the subnet that the peer has a route back to."""

    vpc: Named
    subnet: Named
    cidr: IPv4Network
    to: IPv4Network
    peer: Named
    back: tuple[IPv4Network, ...]
    why: Why


@dataclass(frozen=True, slots=True)
class PeerSubnet(Unit):
    """A subnet of a peer that has no port here: an address inside it that is not known has nobody."""

    vpc: Named
    cidr: IPv4Network
    why: Why


@dataclass(frozen=True, slots=True)
class PeerAddress(Unit):
    """An address that a subnet's peer has, inside a route that works in both directions."""

    owns_flows: ClassVar[bool] = True

    subnet: Named
    ip: IPv4Address
    why: Why


def _of_host(here: HostContext) -> Iterator[Unit]:
    network = here.network
    for vpc in here.local_vpcs:
        for subnet in vpc.subnets.values():
            tag = here.subnet(vpc, subnet)
            for route in subnet.routes:
                if route.via != NOTHING:
                    remote_vpc, remote = network.ends[network.peerings[route.via].other(f"{vpc.name}/{subnet.name}")]
                    back = tuple(returning.to for returning in remote.routes if returning.via == route.via)
                    peer = here.vpc(remote_vpc)
                    yield PeerRoute(here.vpc(vpc), tag, subnet.cidr, route.to, peer, back, why(route))
    for vpc, subnet in (network.ends[end] for end in here.routed):
        if not here.vpcs[vpc.name].is_here:
            yield PeerSubnet(here.vpc(vpc), subnet.cidr, why(subnet))


def _of_vpc_port(here: HostContext, port: VpcPort, places: Places, interface: Plugged) -> Iterable[Unit]:
    routes = here.vpcs[port.vpc].routes
    if not routes:
        return ()
    return (PeerAddress(subnet, ip, why(port)) for subnet, to in routes for ip in port.ips if ip in to)


PEER_ROUTES = Subject(units=(PeerRoute, PeerSubnet), sections={"vpcs", "peerings"}, of_host=_of_host)
PEER_ADDRESSES = Subject(units=(PeerAddress,), sections={"vpcs", "peerings"}, of_vpc_port=_of_vpc_port)
