"""On which host is each port?  A declared host wins; otherwise the host that claimed the port first has it."""

from collections.abc import Mapping
from dataclasses import dataclass

from flows.facts import HostFacts
from flows.model import Network


@dataclass(frozen=True, slots=True)
class Locations:
    """Where each port is, and the claims that lost."""

    hosts: Mapping[str, str]
    """Port name to host name; a port that is nowhere is not in it."""
    refused: frozenset[tuple[str, str]]
    """(port, host): the host has an interface for a port that is another host's."""


def locate(network: Network, facts: Mapping[str, HostFacts]) -> Locations:
    """Locate every port.

    Among several hosts that claim a port without a declared host, one that had it before (the mark that its
    own database keeps) comes first, then the first by name: the result depends on nothing but what is there.
    """
    claims: dict[str, list[tuple[bool, str]]] = {}
    for host, observed in facts.items():
        for interface in observed.interfaces:
            if interface.iface_id in network.ports:
                claims.setdefault(interface.iface_id, []).append((not interface.bound, host))
    hosts: dict[str, str] = {}
    for port in network.ports.values():
        if port.host is not None:
            hosts[port.name] = port.host
        elif port.name in claims:
            hosts[port.name] = min(claims[port.name])[1]
    refused = frozenset((name, host) for name, of_port in claims.items() for _, host in of_port if hosts[name] != host)
    return Locations(hosts, refused)
