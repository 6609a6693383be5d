"""Subnets: their ranges and gateways."""

from collections.abc import Iterator

from flows.model.check.checker import Checker, not_for_machines, special_in_subnet
from flows.model.file.source import Path
from flows.model.objects.vpc import Subnet, Vpc
from flows.model.problem import Problem
from flows.model.ranges import Ranges


def subnets(c: Checker) -> Iterator[Problem]:
    for path, _, subnet in c.subnets():
        reason = not_for_machines(subnet.cidr)
        if reason is not None:
            yield c.error((*path, "cidr"), f"{subnet.cidr} cannot be a subnet: {reason}")
        if subnet.cidr.prefixlen == 32:
            message = f"{subnet.cidr} has one address, which its gateway takes; the smallest subnet is a /31"
            yield c.error((*path, "cidr"), message)
        elif not c.is_broken((*path, "gateway")):
            yield from _gateway(c, path, subnet)
    for vpc in c.network.vpcs.values():
        yield from _overlaps(c, vpc)


def _gateway(c: Checker, path: Path, subnet: Subnet) -> Iterator[Problem]:
    place = (*path, "gateway")
    if subnet.gateway not in subnet.cidr:
        yield c.error(place, f"the gateway {subnet.gateway} is outside {subnet.cidr}, the range of its subnet")
    elif reason := special_in_subnet(subnet.gateway, subnet.cidr):
        yield c.error(place, f"{subnet.gateway} is {reason}; a gateway needs an address of its own inside it")


def _overlaps(c: Checker, vpc: Vpc) -> Iterator[Problem]:
    for first, second in Ranges((subnet.cidr, subnet) for subnet in vpc.subnets.values()).overlaps:
        where = ("vpcs", vpc.name, "subnets", second.name, "cidr")
        yield c.error(where, f"{second.cidr} overlaps {first.cidr} of subnet '{first.name}' in the same VPC")
