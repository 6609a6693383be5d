"""Checks between objects: names that must exist, values that must differ, ranges that must fit.

One file per subject. Each check is a function that yields problems; :data:`_CHECKS` lists them.
"""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from flows.model.check.checker import Broken, Checker
from flows.model.check.hosts import hosts
from flows.model.check.keys import tunnel_keys
from flows.model.check.lans import machines, routers, unknown_gateways
from flows.model.check.loops import loops, stray_loops
from flows.model.check.masks import other_masks
from flows.model.check.peerings import peerings, unused_peerings
from flows.model.check.ports import ports
from flows.model.check.references import references
from flows.model.check.routes import routes, ways_back
from flows.model.check.security_groups import idle_groups, idle_rules, port_groups, security_groups
from flows.model.check.segments import idle_segments, segment_ports, segments
from flows.model.check.subnets import subnets
from flows.model.check.switches import interfaces, links, switches
from flows.model.check.underlay import hosts_in_racks, racks
from flows.model.file.source import Source
from flows.model.problem import Problem

if TYPE_CHECKING:
    from flows.model.objects.network import Network

_Check = Callable[[Checker], Iterator[Problem]]

_CHECKS: tuple[_Check, ...] = (
    references,
    racks,
    hosts,
    hosts_in_racks,
    tunnel_keys,
    subnets,
    segments,
    ports,
    segment_ports,
    peerings,
    routes,
    security_groups,
    port_groups,
    switches,
    links,
    machines,
    routers,
    loops,
    interfaces,
)
_WARNINGS: tuple[_Check, ...] = (
    unused_peerings,
    ways_back,
    unknown_gateways,
    stray_loops,
    other_masks,
    idle_segments,
    idle_groups,
    idle_rules,
)
"""Checks for missing objects. They would be wrong for a network with errors."""


def problems(network: "Network", source: Source, broken: Broken) -> list[Problem]:
    """Everything wrong between the objects of a network."""
    return _found(_CHECKS, Checker(network, source, broken))


def warnings(network: "Network", source: Source) -> list[Problem]:
    """What may be missing in a network that has no errors."""
    return _found(_WARNINGS, Checker(network, source, set()))


def _found(checks: tuple[_Check, ...], checker: Checker) -> list[Problem]:
    return [problem for check in checks for problem in check(checker)]
