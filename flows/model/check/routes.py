"""Routes: where they lead, and that packets find their way back."""

from collections.abc import Iterator
from ipaddress import IPv4Network

from flows.model.check.checker import Checker
from flows.model.check.peerings import to_add
from flows.model.file.source import Path
from flows.model.objects.vpc import NOTHING, Subnet, SubnetRoute, Vpc
from flows.model.problem import Problem


def routes(c: Checker) -> Iterator[Problem]:
    for path, vpc, subnet in c.subnets():
        seen: dict[IPv4Network, Path] = {}
        to_peers = {route.to: route.via for route in subnet.routes if route.via != NOTHING}
        for here, route in _placed(c, path, subnet):
            first = seen.setdefault(route.to, here)
            if first != here:
                message = f"this subnet already has a route to {route.to}, on line {c.line((*first, 'to'))}"
                yield c.error((*here, "to"), message)
            own = c.network.ranges[vpc.name].overlapping(route.to)
            if own is not None:
                message = f"{route.to} overlaps {own.cidr} of subnet '{own.name}' in the same VPC"
                yield c.error((*here, "to"), f"{message}, which needs no route and cannot have one")
            if route.via == NOTHING:
                yield from _to_nothing(c, here, route, to_peers)
            else:
                yield from _to_peer(c, here, f"{vpc.name}/{subnet.name}", route)


def _placed(c: Checker, path: Path, subnet: Subnet) -> Iterator[tuple[Path, SubnetRoute]]:
    """Each route with its place: those that could not be read left gaps."""
    index = 0
    for route in subnet.routes:
        while c.is_left_out((*path, "routes", index)):
            index += 1
        yield (*path, "routes", index), route
        index += 1


def _to_nothing(c: Checker, here: Path, route: SubnetRoute, to_peers: dict[IPv4Network, str]) -> Iterator[Problem]:
    """What a peer may send, it must be possible to answer: a route to a peer has no holes."""
    for length in range(route.to.prefixlen):
        wider = route.to.supernet(new_prefix=length)
        if wider in to_peers:
            message = f"{route.to} is a part of {wider}, which goes via '{to_peers[wider]}'; narrow that route instead"
            yield c.error((*here, "to"), message)


def _to_peer(c: Checker, here: Path, end: str, route: SubnetRoute) -> Iterator[Problem]:
    peering = c.network.peerings.get(route.via)
    if peering is None:
        yield from c.unknown((*here, "via"), "peerings", route.via, {*c.network.peerings, NOTHING})
        return
    if end not in peering.between:
        message = f"peering '{route.via}' connects {' and '.join(peering.between)}, not {end}"
        yield c.error((*here, "via"), message)
        return
    remote = c.network.ends.get(peering.other(end))
    if remote is not None and not route.to.subnet_of(remote[1].cidr):
        message = f"{route.to} is not inside {remote[1].cidr}, the range of {peering.other(end)} at the other end"
        yield c.error((*here, "to"), f"{message} of '{route.via}'")


def ways_back(c: Checker) -> Iterator[Problem]:
    """Routes that no packet takes, because the other side has none that leads back."""
    used = {(f"{vpc.name}/{subnet.name}", route.via) for _, vpc, subnet in c.subnets() for route in subnet.routes}
    for path, vpc, subnet in c.subnets():
        for here, route in _placed(c, path, subnet):
            remote = _remote(c, vpc, subnet, route)
            if remote is None or (remote[0], route.via) in used:
                continue
            end, remote_subnet = remote
            yield c.warning(
                here,
                f"no packet will take this route: {end} has no way back to {subnet.cidr}; "
                f"{to_add(end, remote_subnet, subnet, route.via)}",
            )


def _remote(c: Checker, vpc: Vpc, subnet: Subnet, route: SubnetRoute) -> tuple[str, Subnet] | None:
    """The subnet that a route leads to."""
    peering = c.network.peerings.get(route.via)
    end = f"{vpc.name}/{subnet.name}"
    if peering is None or end not in peering.between or peering.other(end) not in c.network.ends:
        return None
    return peering.other(end), c.network.ends[peering.other(end)][1]
