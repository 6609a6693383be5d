"""Hosts: their addresses in the underlay."""

from collections.abc import Iterator
from ipaddress import IPv4Address, IPv4Network
from typing import get_args

from flows.model.check.checker import Checker, not_for_machines
from flows.model.contract import INTEGRATION_BRIDGE, PHYSICAL_BRIDGE, tunnel_port
from flows.model.objects.host import Encapsulation, Host
from flows.model.problem import Problem

_OWN = {INTEGRATION_BRIDGE, PHYSICAL_BRIDGE, *map(tunnel_port, get_args(Encapsulation))}
"""Interfaces that are there for something else."""

_LOOPBACK = "lo"


def hosts(c: Checker) -> Iterator[Problem]:
    seen: dict[IPv4Address, str] = {}
    for name, host in c.network.hosts.items():
        path = ("hosts", name, "tunnel_ip")
        first = seen.setdefault(host.tunnel_ip, name)
        if first != name:
            yield c.error(path, f"host '{first}' has the tunnel address {host.tunnel_ip} too; each host needs its own")
        reason = not_for_machines(IPv4Network(host.tunnel_ip))
        if reason is not None:
            yield c.error(path, f"a host cannot have the address {host.tunnel_ip} in the underlay: {reason}")
        elif host.tunnel_ip.is_link_local:
            yield c.warning(
                path,
                f"{host.tunnel_ip} is a link-local address (RFC 3927): no router carries packets to it, and the lab "
                "needs 169.254.0.0/16 for itself; use another address",
            )
        yield from _physical(c, host)


def _physical(c: Checker, host: Host) -> Iterator[Problem]:
    """The interfaces by which a host reaches physical networks."""
    used: dict[str, str] = {}
    for network, interface in host.physical.items():
        path = ("hosts", host.name, "physical", network)
        if interface in _OWN:
            message = f"'{interface}' is an interface of the host's own bridges and tunnels"
            yield c.error(path, f"{message}; name one that leads to the physical network")
        elif interface == _LOOPBACK:
            message = "'lo' is the loopback interface, which leads nowhere"
            yield c.error(path, f"{message}; name one that leads to the physical network")
        elif used.setdefault(interface, network) != network:
            message = f"the physical network '{used[interface]}' is reached by '{interface}' too"
            yield c.error(path, f"{message}; each needs an interface of its own")
