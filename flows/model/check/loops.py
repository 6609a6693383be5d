"""Static routes by which routers hand packets round in circles.

Ranges of addresses that all routers treat alike are looked at one by one: they begin and end where the range of some
route or interface does.
"""

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Network

from flows.model.check.checker import Checker
from flows.model.objects.lans import IpNode, Lans
from flows.model.problem import Problem, listed


@dataclass(frozen=True, slots=True)
class _Step:
    """What a router does with a packet: by which of its routes it hands it on, and to which router (None: to none)."""

    route: int
    to: str | None


@dataclass(slots=True)
class _Use:
    """How often a route is taken, by the ranges that are treated alike, and how often packets then go round."""

    ranges: int = 0
    circles: list[tuple[str, ...]] = field(default_factory=list)

    @property
    def is_in_vain(self) -> bool:
        """Whether no packet that takes the route arrives anywhere."""
        return len(self.circles) == self.ranges


def loops(c: Checker) -> Iterator[Problem]:
    """Useless routes: every packet that takes one goes in a loop."""
    return _loops(c, in_vain=True)


def stray_loops(c: Checker) -> Iterator[Problem]:
    """Useful routes that send packets for unassigned addresses in a loop."""
    return _loops(c, in_vain=False)


def _loops(c: Checker, *, in_vain: bool) -> Iterator[Problem]:
    if not all(c.is_complete((section,)) for section in ("routers", "links", "switches")):
        return
    uses = _uses(c.network.lans)
    said: set[tuple[str, ...]] = set()
    for (router, index), use in uses.items():
        circles = [circle for circle in dict.fromkeys(use.circles) if router in circle and circle not in said]
        if use.is_in_vain is not in_vain or not circles:
            continue
        said.update(circles)
        path = ("routers", router, "routes", index)
        to = c.network.routers[router].routes[index].to
        what = f"packets for {to}" if in_vain else f"packets for addresses of {to} that nobody has"
        yield (c.error if in_vain else c.warning)((*path, "via"), f"{what} go in a loop: {_words(circles[0])}")


def _words(circle: Sequence[str]) -> str:
    ways = [f"{one} to {other}" for one, other in zip(circle, (*circle[1:], circle[0]), strict=True)]
    return f"{listed(ways).replace(' to ', ' hands them to ', 1)}; one of them needs another next hop"


def _uses(lans: Lans) -> Mapping[tuple[str, int], _Use]:
    """Of each route that may be part of a circle, by its router and its place there."""
    routers = _that_may_loop(lans)
    ranges = [to for router in routers.values() for to, _ in router.routes]
    ranges += [leg.ip.network for router in routers.values() for leg in router.legs]
    starts = sorted({start for one in ranges for start in (int(one[0]), int(one[-1]) + 1)})
    tables = {name: _table(lans, router, starts) for name, router in routers.items()}
    uses: dict[tuple[str, int], _Use] = {
        (name, index): _Use() for name, router in routers.items() for index in range(len(router.routes))
    }
    for at in range(len(starts)):
        steps = {name: step for name, table in tables.items() if (step := table[at]) is not None}
        circles = _circles(steps)
        for name, step in steps.items():
            use = uses[name, step.route]
            use.ranges += 1
            if name in circles:
                use.circles.append(circles[name])
    return uses


def _that_may_loop(lans: Lans) -> Mapping[str, IpNode]:
    """The routers from which a packet may come back, whatever its destination. Mostly there is none."""
    left = {node.name: node for node in lans.nodes if node.is_router}
    to = {name: {other for _, other in _next_routers(lans, node)} for name, node in left.items()}
    while ends := [name for name in left if not to[name] & left.keys()]:
        for name in ends:
            del left[name]
    return left


def _next_routers(lans: Lans, router: IpNode) -> Iterator[tuple[int, str]]:
    """The routes that lead to other routers: the place of each, and which router."""
    for index, (_, via) in enumerate(router.routes):
        leg = next((leg for leg in router.legs if via in leg.ip.network), None)
        owner = None if leg is None else lans.owners.get((lans.of(leg.switch, leg.vlan), via))
        if owner is not None and owner.is_router and owner.name != router.name:
            yield index, owner.name


def _table(lans: Lans, router: IpNode, starts: Sequence[int]) -> Sequence[_Step | None]:
    """What a router does with packets for each range; None: it delivers them itself, or drops them."""
    found: list[_Step | None] = [None] * len(starts)
    to = dict(_next_routers(lans, router))
    # Longer prefixes overwrite shorter ones; an interface comes before a route of the same length.
    known: list[tuple[IPv4Network, _Step | None]] = [
        (range_, _Step(index, to.get(index))) for index, (range_, _) in enumerate(router.routes)
    ]
    known += [(leg.ip.network, None) for leg in router.legs]
    for range_, step in sorted(known, key=lambda item: (item[0].prefixlen, item[1] is None)):
        first, last = bisect_left(starts, int(range_[0])), bisect_left(starts, int(range_[-1]) + 1)
        found[first:last] = [step] * (last - first)
    return found


def _circles(steps: Mapping[str, _Step]) -> Mapping[str, tuple[str, ...]]:
    """The circle that a packet ends in, of each router from which it does; written from its first router by name."""
    found: dict[str, tuple[str, ...]] = {}
    passed: set[str] = set()
    for start in steps:
        way: list[str] = []
        at: str | None = start
        while at is not None and at in steps and at not in passed:
            passed.add(at)
            way.append(at)
            at = steps[at].to
        if at in way:
            circle = way[way.index(at) :]
            first = circle.index(min(circle))
            found |= dict.fromkeys(way, (*circle[first:], *circle[:first]))
        elif at in found:
            found |= dict.fromkeys(way, found[at])
    return found
