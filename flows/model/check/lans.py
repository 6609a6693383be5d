"""Machines and routers on plain switches: where they are plugged in, and their addresses there."""

from collections.abc import Iterator, Sequence
from ipaddress import IPv4Address, IPv4Interface, IPv4Network

from flows.model.check.checker import Checker, never_sent_to, special_in_subnet, unfit_address
from flows.model.check.switches import repeated_vlans
from flows.model.file.source import Path
from flows.model.objects.lans import Lan
from flows.model.objects.route import Route
from flows.model.objects.router import Router
from flows.model.objects.switch import SwitchPort
from flows.model.problem import Problem


def machines(c: Checker) -> Iterator[Problem]:
    macs: dict[tuple[Lan, str], str] = {}
    for name, port in c.network.switch_ports.items():
        path = ("ports", name)
        if port.trunk is not None:
            yield from _trunk(c, path, port)
            continue
        if port.ip is not None:
            yield from _address(c, (*path, "ip"), port.ip)
        if port.gateway is not None:
            yield from _next_hop(c, (*path, "gateway"), port.gateway, [port.ip] if port.ip else [])
        yield from _routes(c, path, port.routes, [port.ip] if port.ip else [])
        if port.gateway is not None and any(route.to.prefixlen == 0 for route in port.routes):
            message = "the machine has a route to 0.0.0.0/0 too, which is the same; leave out one of them"
            yield c.error((*path, "gateway"), message, at_key=True)
        if port.mac is not None:
            lan = c.network.lans.of(port.switch, port.vlan)
            owner = macs.setdefault((lan, port.mac), name)
            if owner != name:
                message = f"port '{owner}' of the same LAN has the MAC address {port.mac} too; each port needs its own"
                yield c.error((*path, "mac"), message)


def _trunk(c: Checker, path: Path, port: SwitchPort) -> Iterator[Problem]:
    if "vlan" in port.model_fields_set:
        message = "a port has 'vlan' or 'trunk', not both; a trunk carries untagged frames when 0 is in its list"
        yield c.error((*path, "trunk"), message, at_key=True)
    for key, value in (("ip", port.ip), ("gateway", port.gateway), ("routes", port.routes)):
        if value:
            message = f"a trunk port cannot have '{key}': its machine has addresses of its own in each VLAN"
            yield c.error((*path, key), message, at_key=True)
    yield from repeated_vlans(c, (*path, "trunk"), port.trunk or ())


def routers(c: Checker) -> Iterator[Problem]:
    for name, router in c.network.routers.items():
        path = ("routers", name)
        for leg, interface in router.interfaces.items():
            place = (*path, "interfaces", leg)
            yield from _address(c, (*place, "ip"), interface.ip)
        yield from _overlaps(c, path, router)
        yield from _routes(c, path, router.routes, [interface.ip for interface in router.interfaces.values()])
    yield from _taken(c)


def _overlaps(c: Checker, path: Path, router: Router) -> Iterator[Problem]:
    """A router sends a packet out of one interface: no two are in the same network."""
    seen: dict[str, IPv4Network] = {}
    for leg, interface in router.interfaces.items():
        other = next((name for name, network in seen.items() if network.overlaps(interface.ip.network)), None)
        if other is not None:
            message = f"{interface.ip.network} overlaps {seen[other]} of interface '{other}'"
            yield c.error(
                (*path, "interfaces", leg, "ip"), f"{message}; a router's interfaces are in different networks"
            )
        seen[leg] = interface.ip.network


def _address(c: Checker, path: Path, ip: IPv4Interface) -> Iterator[Problem]:
    reason = unfit_address(ip)
    if reason is not None and not c.is_broken(path):
        yield c.error(path, f"no machine can have the address {ip.ip}: {reason}")


def _routes(c: Checker, path: Path, routes: Sequence[Route], own: Sequence[IPv4Interface]) -> Iterator[Problem]:
    seen: dict[IPv4Network, Path] = {}
    index = 0
    for route in routes:
        while c.is_left_out((*path, "routes", index)):
            index += 1
        here = (*path, "routes", index)
        index += 1
        first = seen.setdefault(route.to, here)
        if first != here:
            message = f"there is already a route to {route.to}, on line {c.line((*first, 'to'))}; one is enough"
            yield c.error((*here, "to"), message)
        if reason := _no_destination(route.to, own):
            yield c.error((*here, "to"), f"no packet for {route.to} can take this route: {reason}")
        yield from _next_hop(c, (*here, "via"), route.via, own)


def _no_destination(to: IPv4Network, own: Sequence[IPv4Interface]) -> str | None:
    """Why no route can lead to a range."""
    if any(to == ip.network for ip in own):
        return "that is a network of its own, where packets go straight to their receiver"
    return never_sent_to(to)


def _next_hop(c: Checker, path: Path, via: IPv4Address, own: Sequence[IPv4Interface]) -> Iterator[Problem]:
    """A next hop is another machine, in a network that the sender is in."""
    if not c.is_complete(path[:2]):
        return
    if any(via == ip.ip for ip in own):
        yield c.error(path, f"{via} is its own address; the next hop is another machine's")
    elif not any(via in ip.network for ip in own):
        networks = ", ".join(str(ip.network) for ip in own)
        reason = f"is outside this machine's networks: {networks}" if own else "cannot be reached without an 'ip'"
        yield c.error(path, f"the next hop {via} {reason}")
    else:
        special = next(filter(None, (special_in_subnet(via, ip.network) for ip in own if via in ip.network)), None)
        if special is not None:
            yield c.error(path, f"the next hop {via} is {special}, which no machine can have")


def _taken(c: Checker) -> Iterator[Problem]:
    """In one LAN an address has one owner."""
    owners: dict[tuple[Lan, IPv4Address], str] = {}
    for node in c.network.lans.nodes:
        for leg in node.legs:
            first = owners.setdefault((c.network.lans.of(leg.switch, leg.vlan), leg.ip.ip), leg.name)
            if first != leg.name:
                path: Path = ("ports", leg.name, "ip")
                if node.is_router:
                    path = ("routers", node.name, "interfaces", leg.name.partition(".")[2], "ip")
                yield c.error(path, f"'{first}' of the same LAN has the address {leg.ip.ip} too; each needs its own")


def unknown_gateways(c: Checker) -> Iterator[Problem]:
    """Next hops that no machine has: packets get no further there."""
    lans = c.network.lans
    for node in lans.nodes:
        path: Path = ("routers", node.name) if node.is_router else ("ports", node.name)
        port = None if node.is_router else c.network.switch_ports[node.name]
        for index, (to, via) in enumerate(node.routes):
            leg = next(leg for leg in node.legs if via in leg.ip.network)
            owner = lans.owners.get((lans.of(leg.switch, leg.vlan), via))
            if owner is not None and owner.is_router:
                continue
            is_gateway = port is not None and index >= len(port.routes)
            place = (*path, "gateway") if is_gateway else (*path, "routes", index, "via")
            yield c.warning(place, f"no router of this LAN has the address {via}: packets for {to} get no further")
