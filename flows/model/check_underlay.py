"""What racks and the hosts in them must be: ranges apart from each other, each host in one of them."""

from collections.abc import Iterator
from itertools import combinations
from typing import TYPE_CHECKING

from flows.model.problem import Problem

if TYPE_CHECKING:
    from flows.model.check import Checker

_RACKS = ("underlay", "racks")


def racks(c: "Checker") -> Iterator[Problem]:
    """Problems of the racks themselves."""
    declared = c.network.underlay.racks
    for name, rack in declared.items():
        path = (*_RACKS, name, "cidr")
        if rack.cidr.prefixlen == 0:
            yield c.error(path, "a rack cannot be the whole of IPv4")
        elif rack.cidr.is_multicast or rack.cidr.is_loopback:
            yield c.error(path, f"{rack.cidr} holds no addresses for machines")
        elif reason := rack.not_a_machine(rack.router):
            yield c.error((*_RACKS, name, "router"), f"the router {rack.router} is {reason}")
    for one, two in combinations(declared.values(), 2):
        if one.cidr.overlaps(two.cidr):
            yield c.error((*_RACKS, two.name, "cidr"), f"{two.cidr} overlaps {one.cidr} of rack '{one.name}'")


def hosts_in_racks(c: "Checker") -> Iterator[Problem]:
    """Problems of the hosts' places: once there are racks, each host is in one."""
    underlay = c.network.underlay
    if not underlay.racks:
        return
    for name, host in c.network.hosts.items():
        path = ("hosts", name, "tunnel_ip")
        rack = underlay.rack_of(host.tunnel_ip)
        if rack is None:
            # It may be in one that could not be read.
            if not any(section == _RACKS[0] for section, _ in c.broken):
                ranges = ", ".join(f"{rack.name} {rack.cidr}" for rack in underlay.racks.values())
                yield c.error(path, f"{host.tunnel_ip} of host '{name}' is in no rack; the racks: {ranges}")
        elif host.tunnel_ip == rack.router:
            yield c.error(path, f"{host.tunnel_ip} is the router of rack '{rack.name}'")
        elif reason := rack.not_a_machine(host.tunnel_ip):
            yield c.error(path, f"{host.tunnel_ip} is {reason}")
