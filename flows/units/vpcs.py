"""VPCs: what a host needs of those that have a port on it, and of their subnets."""

from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network

from flows.model import NOTHING
from flows.units.context import HostContext
from flows.units.said import Named, Why, why
from flows.units.subject import Subject
from flows.units.unit import Unit


@dataclass(frozen=True, slots=True)
class LocalVpc(Unit):
    """A VPC with a port on this host."""

    vpc: Named
    key: int
    """The tunnel key: the VPC's id."""
    why: Why


@dataclass(frozen=True, slots=True)
class LocalSubnet(Unit):
    """A subnet of a VPC that is here."""

    vpc: Named
    subnet: Named
    cidr: IPv4Network
    gateway: IPv4Address
    why: Why
    has_groups: bool = False
    """Whether a port of the VPC that is here has security groups."""


@dataclass(frozen=True, slots=True)
class NullRoute(Unit):
    """A subnet's route to nothing."""

    subnet: Named
    to: IPv4Network
    why: Why


def _of_host(here: HostContext) -> Iterator[Unit]:
    for vpc in here.local_vpcs:
        yield LocalVpc(here.vpc(vpc), vpc.id, why(vpc))
        for subnet in vpc.subnets.values():
            tag = here.subnet(vpc, subnet)
            has_groups = vpc.name in here.grouped_vpcs
            yield LocalSubnet(here.vpc(vpc), tag, subnet.cidr, subnet.gateway, why(subnet), has_groups)
            yield from (NullRoute(tag, route.to, why(route)) for route in subnet.routes if route.via == NOTHING)


VPCS = Subject(units=(LocalVpc, LocalSubnet, NullRoute), sections={"vpcs"}, of_host=_of_host)
