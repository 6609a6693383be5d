"""Tunnels between hosts: a host's own tunnel port, and the hosts that it takes packets from."""

from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address
from typing import ClassVar

from flows.model import Host
from flows.units.context import HostContext
from flows.units.said import Named, Why, why
from flows.units.subject import Subject
from flows.units.unit import Unit


@dataclass(frozen=True, slots=True)
class TunnelPort(Unit):
    """The host's tunnel port."""

    ofport: Named
    why: Why


@dataclass(frozen=True, slots=True)
class RemoteHost(Unit):
    """Another host of the model: what comes from it by tunnel is taken."""

    owns_flows: ClassVar[bool] = True

    host: str
    tunnel_ip: IPv4Address
    tunnel_port: Named
    why: Why

    def __hash__(self) -> int:
        """Each host has all the others: its name tells one from another, and to hash the rest would take long."""
        return hash((RemoteHost, self.host))


def _of_host(here: HostContext) -> Iterator[Unit]:
    if here.tunnel is not None:
        yield TunnelPort(here.tunnel, why(here.network.hosts[here.host]))


def _of_other_host(here: HostContext, other: Host) -> Iterator[Unit]:
    if here.tunnel is not None and other.name != here.host:
        yield RemoteHost(other.name, other.tunnel_ip, here.tunnel, why(other))


TUNNELS = Subject(
    units=(TunnelPort, RemoteHost),
    # The last two reach flows by the number of the tunnel port alone.
    sections={"hosts", "encapsulation", "underlay"},
    of_host=_of_host,
    of_other_host=_of_other_host,
)
