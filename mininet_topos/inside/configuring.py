"""Configures an instance's interface: its MAC address, MTU, addresses and routes, also while it is in use.

Nothing is made anew: whatever runs in the instance goes on, and so do the connections of addresses that stay.
"""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import IPv4Interface
from pathlib import Path
from typing import Any

from mininet_topos.inside import namespaces
from mininet_topos.topology.topology import LabPort

_ONLINK = 4
"""RTNH_F_ONLINK: the gateway is on the link even where no address of the port says so."""

_GONE = (errno.ESRCH, errno.EADDRNOTAVAIL, errno.ENOENT)
"""What Linux says of a route or an address that is not there: somebody in the instance took it away."""


def configure(namespace: Path, interface: str, port: LabPort, old: LabPort | None = None) -> None:
    """Make an interface what a port says. ``old``: what it was made before; what others gave it stays as it is."""
    with _promoting(namespace, interface), namespaces.links(namespace) as route:
        index = namespaces.index_of(route, interface)
        if old is not None and old.mtu != port.mtu:
            route.link("set", index=index, mtu=port.mtu)
        if old is not None and old.mac != port.mac:
            route.link("set", index=index, address=port.mac)
        _give_addresses(route, index, old.addresses if old else (), port.addresses)
        route.link("set", index=index, state="up")
        wanted = list(_routes(port))
        for way in _routes(old) if old else ():
            if way not in wanted:
                with _whatever(*_GONE):
                    route.route("del", oif=index, **way)
        # All of them: those of an address that went for a moment went with it.
        for way in wanted:
            route.route("replace", oif=index, **way)


def _give_addresses(route: Any, index: int, old: tuple[IPv4Interface, ...], new: tuple[IPv4Interface, ...]) -> None:
    """The addresses in their order, for the first one is that which the instance speaks from."""
    same = 0
    while same < min(len(old), len(new)) and old[same] == new[same]:
        same += 1
    for address in old[same:]:
        with _whatever(*_GONE):
            route.addr("del", index=index, address=str(address.ip), prefixlen=address.network.prefixlen)
    for address in new[same:]:
        with _whatever(errno.EEXIST):
            route.addr("add", index=index, address=str(address.ip), prefixlen=address.network.prefixlen)


def _routes(port: LabPort) -> Iterator[dict[str, Any]]:
    if port.gateway is not None:
        yield {"dst": "default", "gateway": str(port.gateway), "flags": _ONLINK}
    for way in port.routes:
        yield {"dst": str(way.to), "gateway": str(way.via)}


@contextmanager
def _promoting(namespace: Path, interface: str) -> Iterator[None]:
    """Meanwhile an address that goes takes no other with it, and a new MAC address is announced to the neighbours."""
    settings = [f"/proc/sys/net/ipv4/conf/{interface}/{name}" for name in ("promote_secondaries", "arp_notify")]
    with namespaces.inside(namespace):
        before = [Path(setting).read_text() for setting in settings]
        for setting in settings:
            Path(setting).write_text("1")
    try:
        yield
    finally:
        with namespaces.inside(namespace):
            for setting, value in zip(settings, before, strict=True):
                Path(setting).write_text(value)


@contextmanager
def _whatever(*errors: int) -> Iterator[None]:
    from pyroute2 import NetlinkError  # noqa: PLC0415 - as in namespaces

    try:
        yield
    except NetlinkError as error:
        if error.code not in errors:
            raise
