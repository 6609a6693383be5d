"""Machines of one LAN or segment that do not agree on what their network is."""

from collections.abc import Iterator
from ipaddress import IPv4Network

from flows.model.check.checker import Checker
from flows.model.file.source import Path
from flows.model.problem import Problem
from flows.model.ranges import Ranges


def other_masks(c: Checker) -> Iterator[Problem]:
    """Of two networks, one of which is a part of the other, the narrower one: its machines see the others elsewhere."""
    for place, networks in _networks(c).items():
        known = Ranges((network, (network, first)) for network, first in networks.items())
        for one, other in known.overlaps:
            (wide, (_, of_wide)), (narrow, (path, of_narrow)) = sorted((one, other), key=lambda item: item[0].prefixlen)
            yield c.warning(
                path,
                f"{of_narrow} takes {narrow} for its network, but {of_wide} of the same {place[0]} takes {wide}: "
                "they may fail to reach each other; give both the same prefix length",
            )


def _networks(c: Checker) -> dict[tuple[object, ...], dict[IPv4Network, tuple[Path, str]]]:
    """By LAN and segment: each network that somebody has an address in, and the first of these."""
    found: dict[tuple[object, ...], dict[IPv4Network, tuple[Path, str]]] = {}
    for name, port in c.network.segment_ports.items():
        if port.segment is not None and port.ip is not None:
            path: Path = ("ports", name, "ip")
            found.setdefault(("segment", port.segment), {}).setdefault(port.ip.network, (path, f"port '{name}'"))
    lans = c.network.lans
    for node in lans.nodes:
        for leg in node.legs:
            path = ("ports", leg.name, "ip")
            if node.is_router:
                path = ("routers", node.name, "interfaces", leg.name.partition(".")[2], "ip")
            lan = found.setdefault(("LAN", lans.of(leg.switch, leg.vlan)), {})
            lan.setdefault(leg.ip.network, (path, f"'{leg.name}'"))
    return found
