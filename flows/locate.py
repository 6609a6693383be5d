"""On which host is each port?

A declared host wins, from the moment that it has the port's interface: until then a port that is being moved stays
where it was. Without a declared host the one that claimed the port first has it, until it lets it go.
"""

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
    """Locate every port that is on a host.

    Among several claims, that of a host that had the port before (the mark that its own database keeps) comes
    first, then the first by name: the result depends on nothing but what is there.
    """
    claims: dict[str, list[tuple[bool, str]]] = {}
    for host, observed in facts.items():
        for interface in observed.interfaces:
            if interface.iface_id in network.host_ports and host in network.hosts:
                claims.setdefault(interface.iface_id, []).append((not interface.bound, host))
    hosts: dict[str, str] = {}
    for port in network.host_ports.values():
        host_of = _locate(port.host, claims.get(port.name, []))
        if host_of is not None:
            hosts[port.name] = host_of
    refused = frozenset((name, host) for name, of_port in claims.items() for _, host in of_port if hosts[name] != host)
    return Locations(hosts, refused)


def _locate(declared: str | None, claims: list[tuple[bool, str]]) -> str | None:
    """The host of one port. A claim is (whether the host never had the port, the host)."""
    if declared is None:
        return min(claims)[1] if claims else None
    if declared not in (host for _, host in claims):
        had_it = sorted(host for never_had_it, host in claims if not never_had_it)
        return had_it[0] if had_it else declared
    return declared
