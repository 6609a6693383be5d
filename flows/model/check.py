"""What no object can know by itself: names that must exist, things that must be different, ranges that must fit.

Each check is a function that yields problems; :data:`_CHECKS` lists them.
"""

from collections.abc import Callable, Iterator, Sequence
from ipaddress import IPv4Address
from itertools import combinations
from typing import TYPE_CHECKING

from flows.model import check_underlay
from flows.model.host import KEY_BITS
from flows.model.peering import Peering
from flows.model.port import GATEWAY_MAC
from flows.model.problem import Problem, did_you_mean
from flows.model.source import Path, Source
from flows.model.vpc import NOTHING, Subnet

if TYPE_CHECKING:
    from flows.model.network import Network

Broken = set[tuple[str, str]]
"""(section, name) of objects that could not be read: a name among these is no unknown name."""


class Checker:
    """The network, where its parts stand in the file, and what could not be read."""

    def __init__(self, network: "Network", source: Source, broken: Broken) -> None:
        self.network = network
        self.broken = broken
        self._source = source

    def error(self, path: Path, message: str, *, at_key: bool = False) -> Problem:
        return self._source.problem(path, message, at_key=at_key)

    def warning(self, path: Path, message: str) -> Problem:
        line, column = self._source.place(path)
        return Problem(self._source.file, line, column, message, "warning")

    def unknown(self, path: Path, section: str, name: str, known: Sequence[str]) -> Iterator[Problem]:
        """A problem when no object of a section has the name."""
        if name not in known and (section, name) not in self.broken:
            what = section.removesuffix("s")
            yield self.error(path, f"there is no {what} '{name}'{did_you_mean(name, known)}")

    def subnets(self) -> Iterator[tuple[Path, str, Subnet]]:
        """Every subnet: its place, its end as written in a peering, itself."""
        for vpc in self.network.vpcs.values():
            for subnet in vpc.subnets.values():
                yield ("vpcs", vpc.name, "subnets", subnet.name), f"{vpc.name}/{subnet.name}", subnet


def problems(network: "Network", source: Source, broken: Broken) -> list[Problem]:
    """Everything wrong between the objects of a network."""
    checker = Checker(network, source, broken)
    return [problem for check in _CHECKS for problem in check(checker)]


def _hosts(c: Checker) -> Iterator[Problem]:
    seen: dict[IPv4Address, str] = {}
    for name, host in c.network.hosts.items():
        path = ("hosts", name, "tunnel_ip")
        if host.tunnel_ip in seen:
            yield c.error(path, f"host '{seen[host.tunnel_ip]}' has the tunnel address {host.tunnel_ip} too")
        seen[host.tunnel_ip] = name
        if host.tunnel_ip.is_multicast or host.tunnel_ip.is_unspecified or host.tunnel_ip.is_loopback:
            yield c.error(path, f"{host.tunnel_ip} is not an address that a host can have in the underlay")


def _vpcs(c: Checker) -> Iterator[Problem]:
    encapsulation = c.network.encapsulation
    largest = 2 ** KEY_BITS[encapsulation] - 1
    seen: dict[int, str] = {}
    for name, vpc in c.network.vpcs.items():
        path = ("vpcs", name, "id")
        if vpc.id in seen:
            yield c.error(path, f"vpc '{seen[vpc.id]}' has the id {vpc.id} too; each VPC needs its own")
        seen[vpc.id] = name
        if vpc.id > largest:
            yield c.error(path, f"{vpc.id} does not fit into a {encapsulation} key; the largest is {largest}")


def _subnets(c: Checker) -> Iterator[Problem]:
    for path, _, subnet in c.subnets():
        if subnet.cidr.prefixlen == 0:
            yield c.error((*path, "cidr"), "a subnet cannot be the whole of IPv4")
        elif subnet.cidr.is_multicast or subnet.cidr.is_loopback:
            yield c.error((*path, "cidr"), f"{subnet.cidr} holds no addresses for machines")
        if subnet.gateway not in subnet.cidr:
            yield c.error((*path, "gateway"), f"the gateway {subnet.gateway} is outside {subnet.cidr}")
        elif _not_a_machine(subnet.gateway, subnet):
            yield c.error((*path, "gateway"), f"{subnet.gateway} is {_not_a_machine(subnet.gateway, subnet)}")
    for vpc in c.network.vpcs.values():
        for one, two in combinations(vpc.subnets.values(), 2):
            if one.cidr.overlaps(two.cidr):
                where = ("vpcs", vpc.name, "subnets", two.name, "cidr")
                message = f"{two.cidr} overlaps {one.cidr} of subnet '{one.name}' in the same VPC"
                yield c.error(where, message)


def _not_a_machine(address: IPv4Address, subnet: Subnet) -> str | None:
    """Why no machine can have an address of its subnet. RFC 3021: a /31 has neither."""
    if subnet.cidr.prefixlen < 31:
        if address == subnet.cidr.network_address:
            return f"the network address of {subnet.cidr}"
        if address == subnet.cidr.broadcast_address:
            return f"the broadcast address of {subnet.cidr}"
    return None


def _ports(c: Checker) -> Iterator[Problem]:
    addresses: dict[tuple[str, IPv4Address], str] = {}
    macs: dict[tuple[str, str], str] = {}
    for name, port in c.network.ports.items():
        if port.host is not None:
            yield from c.unknown(("ports", name, "host"), "hosts", port.host, list(c.network.hosts))
        if port.mac == GATEWAY_MAC:
            yield c.error(("ports", name, "mac"), f"{port.mac} is the MAC address of every gateway")
        if port.vpc not in c.network.vpcs:
            yield from c.unknown(("ports", name, "vpc"), "vpcs", port.vpc, list(c.network.vpcs))
            continue
        owner = macs.setdefault((port.vpc, port.mac), name)
        if owner != name:
            message = f"port '{owner}' of the same VPC has the MAC address {port.mac} too"
            yield c.error(("ports", name, "mac"), message)
        for index, address in enumerate(port.ips):
            path = ("ports", name, "ips", index)
            owner = addresses.setdefault((port.vpc, address), name)
            if owner != name:
                yield c.error(path, f"port '{owner}' of the same VPC has the address {address} too")
            yield from _address(c, path, port.vpc, address)
        subnets = [c.network.subnet_of(port.vpc, address) for address in port.ips]
        if len({s.name for s in subnets if s}) > 1:
            yield c.error(("ports", name, "ips"), "the addresses of one port must lie in one subnet")


def _address(c: Checker, path: Path, vpc: str, address: IPv4Address) -> Iterator[Problem]:
    subnet = c.network.subnet_of(vpc, address)
    if subnet is None:
        if not any(section == "vpcs" for section, _ in c.broken):
            ranges = ", ".join(str(s.cidr) for s in c.network.vpcs[vpc].subnets.values()) or "none"
            yield c.error(path, f"{address} is in no subnet of vpc '{vpc}'; its subnets: {ranges}")
        return
    if address == subnet.gateway:
        yield c.error(path, f"{address} is the gateway of subnet '{subnet.name}'")
    elif reason := _not_a_machine(address, subnet):
        yield c.error(path, f"{address} is {reason}")


def _peerings(c: Checker) -> Iterator[Problem]:
    known = c.network.ends
    for name, peering in c.network.peerings.items():
        path = ("peerings", name, "between")
        if name == NOTHING:
            yield c.error(("peerings", name), f"'{NOTHING}' is a next hop of its own; name the peering otherwise")
        missing = [end for end in peering.between if end not in known]
        for end in missing:
            if not any(section == "vpcs" for section, _ in c.broken):
                yield c.error(path, f"there is no subnet '{end}'{did_you_mean(end, list(known))}")
        if missing:
            continue
        (vpc, one), (other_vpc, two) = (known[end] for end in peering.between)
        if vpc is other_vpc:
            yield c.error(path, "both ends lie in one VPC, whose subnets reach each other without a peering")
        elif one.cidr.overlaps(two.cidr):
            yield c.error(path, f"the ranges of its ends overlap ({one.cidr}, {two.cidr}); peers need different ones")
    for (one_p, end, far), (two_p, _, other_far) in _pairs_at_one_subnet(c):
        if known[far][1].cidr.overlaps(known[other_far][1].cidr):
            message = (
                f"{end} has two peers with overlapping ranges: {far} by '{one_p.name}' and {other_far} by this one"
            )
            yield c.error(("peerings", two_p.name, "between"), message)


_End = tuple[Peering, str, str]


def _pairs_at_one_subnet(c: Checker) -> Iterator[tuple[_End, _End]]:
    ends: dict[str, list[_End]] = {}
    for peering in c.network.peerings.values():
        if all(end in c.network.ends for end in peering.between):
            for end in set(peering.between):
                ends.setdefault(end, []).append((peering, end, peering.other(end)))
    for of_one in ends.values():
        yield from combinations(of_one, 2)


def _routes(c: Checker) -> Iterator[Problem]:
    for path, end, subnet in c.subnets():
        seen: dict[object, int] = {}
        for index, route in enumerate(subnet.routes):
            here = (*path, "routes", index)
            if route.to in seen:
                yield c.error((*here, "to"), f"{end} has two routes to {route.to}")
            seen[route.to] = index
            own = next((s for s in c.network.vpcs[str(path[1])].subnets.values() if s.cidr.overlaps(route.to)), None)
            if own is not None:
                message = f"{route.to} overlaps {own.cidr} of this VPC, which needs no route and cannot have one"
                yield c.error((*here, "to"), message)
            if route.via != NOTHING:
                yield from _route_via(c, here, end, subnet, index)
                continue
            for other in subnet.routes:
                if other.via != NOTHING and route.to.subnet_of(other.to):
                    message = (
                        f"{route.to} is a part of {other.to}, which goes via '{other.via}'; narrow that route instead"
                    )
                    yield c.error((*here, "to"), message)


def _route_via(c: Checker, here: Path, end: str, subnet: Subnet, index: int) -> Iterator[Problem]:
    route = subnet.routes[index]
    peering = c.network.peerings.get(route.via)
    if peering is None:
        known = [*c.network.peerings, NOTHING]
        yield from c.unknown((*here, "via"), "peerings", route.via, known)
        return
    if end not in peering.between:
        message = f"peering '{route.via}' connects {' and '.join(peering.between)}, not {end}"
        yield c.error((*here, "via"), message)
        return
    far = c.network.ends.get(peering.other(end))
    if far is None:
        return
    _, far_subnet = far
    if not route.to.subnet_of(far_subnet.cidr):
        message = f"{route.to} is not inside {far_subnet.cidr}, the range at the other end of '{route.via}'"
        yield c.error((*here, "to"), message)
    elif not any(back.via == route.via and back.to.overlaps(subnet.cidr) for back in far_subnet.routes):
        message = (
            f"no packet will take this route: {peering.other(end)} has no route back to {subnet.cidr} via '{route.via}'"
        )
        yield c.warning(here, message)


_CHECKS: tuple[Callable[[Checker], Iterator[Problem]], ...] = (
    _hosts,
    _vpcs,
    _subnets,
    _ports,
    _peerings,
    _routes,
    check_underlay.racks,
    check_underlay.hosts_in_racks,
)
