"""Racks: ranges apart from each other, and each host in one of them."""

from collections.abc import Iterator

from flows.model.check.checker import Checker, not_for_machines, special_in_subnet
from flows.model.problem import Problem
from flows.model.ranges import Ranges
from flows.model.source import Path

_RACKS: Path = ("underlay", "racks")


def racks(c: Checker) -> Iterator[Problem]:
    declared = c.network.underlay.racks
    for name, rack in declared.items():
        router = (*_RACKS, name, "router")
        reason = not_for_machines(rack.cidr)
        if reason is not None:
            yield c.error((*_RACKS, name, "cidr"), f"{rack.cidr} cannot be a rack: {reason}")
        elif rack.router not in rack.cidr:
            yield c.error(router, f"the router {rack.router} is outside {rack.cidr}, the range of its rack")
        elif special := special_in_subnet(rack.router, rack.cidr):
            yield c.error(router, f"the router {rack.router} is {special}")
    for first, second in Ranges((rack.cidr, rack) for rack in declared.values()).overlaps:
        message = f"{second.cidr} overlaps {first.cidr} of rack '{first.name}'"
        yield c.error((*_RACKS, second.name, "cidr"), message)


def hosts_in_racks(c: Checker) -> Iterator[Problem]:
    """Once there are racks, each host is in one."""
    declared = c.network.underlay.racks
    if not declared:
        return
    ranges = Ranges((rack.cidr, rack) for rack in declared.values())
    for name, host in c.network.hosts.items():
        path = ("hosts", name, "tunnel_ip")
        rack = ranges.holding(host.tunnel_ip)
        if c.is_broken(path):
            continue
        if rack is None:
            if c.is_complete(_RACKS):
                known = ", ".join(f"{rack.name} {rack.cidr}" for rack in declared.values())
                yield c.error(path, f"{host.tunnel_ip} of host '{name}' is in no rack; the racks: {known}")
        elif host.tunnel_ip == rack.router:
            yield c.error(path, f"{host.tunnel_ip} is the router of rack '{rack.name}'")
        elif special := special_in_subnet(host.tunnel_ip, rack.cidr):
            yield c.error(path, f"{host.tunnel_ip} is {special}")
