"""The smallest change of a network by which one port would reach another."""

from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network

from flows.model.network import AnyPort, Network
from flows.model.port import SegmentPort, VpcPort
from flows.model.reachability import answers
from flows.model.types import Origin
from flows.model.vpc import Subnet


@dataclass(frozen=True, slots=True)
class AddPeering:
    """Connect two subnets."""

    name: str
    between: tuple[str, str]

    def __str__(self) -> str:
        return f"add to peerings: {self.name}: {{between: [{', '.join(self.between)}]}}"


@dataclass(frozen=True, slots=True)
class AddRoute:
    """Give a subnet a route."""

    end: str
    origin: Origin
    to: IPv4Network
    via: str
    is_first: bool

    def __str__(self) -> str:
        route = f"{{to: {self.to}, via: {self.via}}}"
        if self.is_first:
            return f"add to {self.end} ({self.origin}): routes: [{route}]"
        return f"add to the routes of {self.end} ({self.origin}): - {route}"


@dataclass(frozen=True, slots=True)
class RemoveRoute:
    """Take a route from a subnet."""

    end: str
    origin: Origin
    to: IPv4Network

    def __str__(self) -> str:
        return f"remove from the routes of {self.end} the one to {self.to} ({self.origin})"


@dataclass(frozen=True, slots=True)
class ChangePort:
    """Write something else into a port."""

    port: str
    origin: Origin
    what: str

    def __str__(self) -> str:
        return f"change port {self.port} ({self.origin}): {self.what}"


Step = AddPeering | AddRoute | RemoveRoute | ChangePort


@dataclass(frozen=True, slots=True)
class Remedy:
    """Steps that together let packets pass both ways; none of them can be left out."""

    steps: tuple[Step, ...]
    unless: str = ""
    """Why there are none, where no small change helps."""


def remedy(network: Network, source: AnyPort, target: AnyPort) -> Remedy:
    """What to change so that a ping from one port to another is answered; no steps when it is already."""
    if answers(network, source, target).arrives:
        return Remedy(())
    match source, target:
        case VpcPort(), VpcPort():
            return _peer(network, source, target)
        case SegmentPort(), SegmentPort():
            return _join(source, target)
        case (VpcPort(), _) | (_, VpcPort()):
            return Remedy((), "a port of a VPC reaches ports of VPCs only; declare the other one in a VPC too")
        case _:
            return Remedy((), "it takes another way over switches and routers, and there are many")


def _join(source: SegmentPort, target: SegmentPort) -> Remedy:
    if source.segment is None:
        return Remedy((), f"{source.name} is a trunk: whom it reaches depends on what its instance does with each tag")
    assert source.ip is not None
    assert target.ip is not None
    what = [] if target.segment == source.segment else [f"segment: {source.segment}"]
    if target.ip.ip not in source.ip.network or source.ip.ip not in target.ip.network:
        what.append(f"ip: one of {source.ip.network} that is free, with /{source.ip.network.prefixlen}")
    return Remedy((ChangePort(target.name, target.origin, ", ".join(what)),))


def _peer(network: Network, source: VpcPort, target: VpcPort) -> Remedy:
    one, other = (_Side(network, port) for port in (source, target))
    known = (p for p in network.peerings.values() if set(p.between) == {one.end, other.end})
    peering = next(known, None)
    if peering is None and (fault := _cannot_be_peered(network, one, other)):
        return Remedy((), fault)
    name = peering.name if peering else _new_name(network, f"{source.vpc}-{target.vpc}")
    steps: list[Step] = [] if peering else [AddPeering(name, (one.end, other.end))]
    for near, far in ((one, other), (other, one)):
        steps += near.route(far.subnet.cidr, far.address, name)
    return Remedy(tuple(steps))


class _Side:
    """One of two ports of VPCs, and its subnet."""

    def __init__(self, network: Network, port: VpcPort) -> None:
        subnet = network.subnet_of(port.vpc, port.ips[0])
        assert subnet is not None, f"{port.name} has an address of no subnet: the model was not checked"
        self.vpc: str = port.vpc
        self.subnet: Subnet = subnet
        self.end = f"{port.vpc}/{subnet.name}"
        self.address: IPv4Address = port.ips[0]

    def route(self, to: IPv4Network, address: IPv4Address, via: str) -> Iterator[Step]:
        """The steps by which packets for an address take a peering: the longest route to it must."""
        routes = [route for route in self.subnet.routes if address in route.to]
        longest = max(routes, key=lambda route: route.to.prefixlen, default=None)
        if longest is not None and longest.via == via:
            return
        alone = IPv4Network(address)
        if longest is not None and longest.to == alone:
            yield RemoveRoute(self.end, longest.origin, longest.to)
            rest = [route for route in routes if route is not longest]
            longest = max(rest, key=lambda route: route.to.prefixlen, default=None)
            if longest is not None and longest.via == via:
                return
        # A longer route goes before one that leads elsewhere, and a route to a peer has no holes.
        holes = any(route.to.subnet_of(to) and route.to != alone for route in self.subnet.routes if route.via != via)
        is_free = not holes and (longest is None or longest.to.prefixlen < to.prefixlen)
        yield AddRoute(self.end, self.subnet.origin, to if is_free else alone, via, not self.subnet.routes)


def _cannot_be_peered(network: Network, one: _Side, other: _Side) -> str:
    """Why two subnets cannot be peered, in a sentence; nothing when they can be."""
    if one.subnet.cidr.overlaps(other.subnet.cidr):
        return f"{one.end} and {other.end} have overlapping ranges, and such subnets cannot be peered; renumber one"
    for near, far in ((one, other), (other, one)):
        own = network.ranges[near.vpc].overlapping(far.subnet.cidr)
        if own is not None:
            return f"VPC {near.vpc} has addresses of {far.subnet.cidr} itself, in {near.vpc}/{own.name}; renumber one"
        for peering in network.peerings.values():
            if near.end in peering.between:
                peer = network.ends[peering.other(near.end)][1]
                if peer.cidr.overlaps(far.subnet.cidr):
                    return f"{near.end} is peered with other addresses of {far.subnet.cidr} already, by {peering.name}"
    return ""


def _new_name(network: Network, wanted: str) -> str:
    names = (wanted, *(f"{wanted}-{number}" for number in range(2, len(network.peerings) + 3)))
    return next(name for name in names if name not in network.peerings)
