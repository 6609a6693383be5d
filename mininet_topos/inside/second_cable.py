"""An instance with two cables: what a virtual machine is while it migrates.

There is the machine on its old host and the one on its new host, each with a cable of its own, and one goes on where
the other stops. Here both are one namespace. It receives by both cables. It sends by the first until :func:`hand_over`,
from then on by the second. Its addresses, neighbours, routes and sockets stay, as a machine's memory does. So it
answers twice what it hears twice.
"""

import errno
import socket
from pathlib import Path
from typing import Any

from mininet_topos.inside import namespaces

FIRST, SECOND = "eth0", "eth1"

_NO_ANSWERS = "8"
"""arp_ignore: answer no questions for whatever address (Linux, Documentation/networking/ip-sysctl)."""
_NO_PREFIX_ROUTE = 0x200
"""IFA_F_NOPREFIXROUTE: the address brings no route along."""
_REACHABLE = 0x02
"""NUD_REACHABLE"""
_MAIN = 254
"""RT_TABLE_MAIN"""
_ETH_P_RARP = 0x8035


def listen(namespace: Path) -> None:
    """Hear by the second cable, which is there already, and say nothing there, not even an ARP answer."""
    with namespaces.inside(namespace):
        _set(SECOND, "arp_ignore", _NO_ANSWERS)
        for interface in ("all", SECOND):
            _set(interface, "rp_filter", "0")
    with namespaces.links(namespace) as route:
        route.link("set", index=namespaces.index_of(route, SECOND), state="up")


def hand_over(namespace: Path, mac: str) -> None:
    """Speak by the second cable from now on, and announce that as QEMU does: by a RARP broadcast of one's own."""
    with namespaces.links(namespace) as route:
        first, second = (namespaces.index_of(route, name) for name in (FIRST, SECOND))
        _take_over(route, first, second)
    with namespaces.inside(namespace):
        _set(SECOND, "arp_ignore", "0")
        _set(FIRST, "arp_ignore", _NO_ANSWERS)
        with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as out:
            out.bind((SECOND, 0))
            out.send(announcement(mac))


def keep_second(namespace: Path) -> None:
    """The first cable was cut: the second one is the first now. Without a second one nothing is done."""
    from pyroute2 import NetlinkError  # noqa: PLC0415 - as in namespaces

    with namespaces.links(namespace) as route:
        if route.link_lookup(ifname=FIRST):
            return
        second = namespaces.index_of(route, SECOND)
        try:
            route.link("set", index=second, ifname=FIRST)
        except NetlinkError as error:
            if error.code != errno.EBUSY:
                raise
            _rename_down(route, second)


def _rename_down(route: Any, second: int) -> None:
    """The same where Linux renames nothing that is up (before 6.2): it is down for a moment, and keeps what it had."""
    neighbours, ways = _neighbours(route, second), _ways(route, second)
    route.link("set", index=second, state="down")
    route.link("set", index=second, ifname=FIRST, state="up")
    _give(route, second, neighbours, ways)


def announcement(mac: str) -> bytes:
    """The frame by which a virtual machine says that it is here now (RFC 903, a request for its own address)."""
    own = bytes.fromhex(mac.replace(":", ""))
    request = bytes.fromhex("0001 0800 06 04 0003".replace(" ", "")) + (own + bytes(4)) * 2
    return (b"\xff" * 6 + own + _ETH_P_RARP.to_bytes(2) + request).ljust(60, b"\0")


def _take_over(route: Any, first: int, second: int) -> None:
    """Give the second interface all that the first one has; each route changes over in one moment."""
    for address in route.get_addr(index=first, family=socket.AF_INET):
        ip = address.get_attr("IFA_ADDRESS")
        route.addr("add", index=second, address=ip, prefixlen=address["prefixlen"], flags=_NO_PREFIX_ROUTE)
    _give(route, second, _neighbours(route, first), _ways(route, first))


def _neighbours(route: Any, index: int) -> list[dict[str, Any]]:
    """The neighbours that are known by an interface, and their MAC addresses."""
    found = route.get_neighbours(family=socket.AF_INET, ifindex=index)
    pairs = [(each.get_attr("NDA_DST"), each.get_attr("NDA_LLADDR")) for each in found]
    return [{"dst": ip, "lladdr": mac} for ip, mac in pairs if mac is not None]


def _ways(route: Any, index: int) -> list[dict[str, Any]]:
    """The routes that lead out by an interface."""
    ways = []
    for way in route.get_routes(family=socket.AF_INET, oif=index, table=_MAIN):
        attributes = {name: way.get_attr(f"RTA_{name.upper()}") for name in ("dst", "gateway", "prefsrc", "priority")}
        kept = {name: value for name, value in attributes.items() if value is not None}
        ways.append(kept | {name: way[name] for name in ("dst_len", "proto", "scope", "flags")})
    # A gateway is reached by another route, which must be there first.
    return sorted(ways, key=lambda way: "gateway" in way)


def _give(route: Any, index: int, neighbours: list[dict[str, Any]], ways: list[dict[str, Any]]) -> None:
    """Make these an interface's; each route changes over in one moment."""
    for neighbour in neighbours:
        route.neigh("replace", ifindex=index, state=_REACHABLE, **neighbour)
    for way in ways:
        route.route("replace", oif=index, **way)


def _set(interface: str, setting: str, value: str) -> None:
    Path(f"/proc/sys/net/ipv4/conf/{interface}/{setting}").write_text(value)
