"""Racks, and the hosts in them: ranges apart from each other, each host in one of them."""

from collections.abc import Iterator

from flows.model.check.checker import Checker, not_for_machines, special_in_subnet
from flows.model.file.source import Path
from flows.model.objects.underlay import Rack
from flows.model.problem import Problem

_RACKS = ("underlay", "racks")


def racks(c: Checker) -> Iterator[Problem]:
    underlay = c.network.underlay
    for name, rack in underlay.racks.items():
        path = (*_RACKS, name)
        reason = not_for_machines(rack.cidr)
        if reason is not None:
            yield c.error((*path, "cidr"), f"{rack.cidr} cannot be a rack: {reason}")
        if rack.cidr.prefixlen == 32:
            message = f"{rack.cidr} has one address, which its router takes; the smallest rack is a /31"
            yield c.error((*path, "cidr"), message)
        elif not c.is_broken((*path, "router")):
            yield from _router(c, (*path, "router"), rack)
    for first, second in underlay.ranges.overlaps:
        yield c.error((*_RACKS, second.name, "cidr"), f"{second.cidr} overlaps {first.cidr} of rack '{first.name}'")


def _router(c: Checker, place: Path, rack: Rack) -> Iterator[Problem]:
    if rack.router not in rack.cidr:
        yield c.error(place, f"the router {rack.router} is outside {rack.cidr}, the range of its rack")
    elif reason := special_in_subnet(rack.router, rack.cidr):
        yield c.error(place, f"{rack.router} is {reason}; a router needs an address of its own inside it")


def hosts_in_racks(c: Checker) -> Iterator[Problem]:
    """Once there are racks, each host is in one."""
    underlay = c.network.underlay
    if not underlay.racks:
        return
    ranges = ", ".join(f"{rack.name} {rack.cidr}" for rack in underlay.racks.values())
    for name, host in c.network.hosts.items():
        path = ("hosts", name, "tunnel_ip")
        rack = underlay.rack_of(host.tunnel_ip)
        if c.is_broken(path):
            continue
        if rack is None:
            if c.is_complete(_RACKS):
                yield c.error(path, f"{host.tunnel_ip} of host '{name}' is in no rack; the racks: {ranges}")
        elif host.tunnel_ip == rack.router and not c.is_broken((*_RACKS, rack.name, "router")):
            yield c.error(path, f"{host.tunnel_ip} is the router of rack '{rack.name}'; a host needs its own")
        elif reason := special_in_subnet(host.tunnel_ip, rack.cidr):
            yield c.error(path, f"{host.tunnel_ip} is {reason}, the range of rack '{rack.name}'")
