"""What no object can know by itself: names that must exist, things that must be different, ranges that must fit.

One file per subject. Each check is a function that yields problems; :data:`_CHECKS` lists them.
"""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from flows.model.check.checker import Broken, Checker
from flows.model.check.hosts import hosts
from flows.model.check.keys import tunnel_keys
from flows.model.check.peerings import peerings, unused_peerings
from flows.model.check.ports import ports
from flows.model.check.routes import routes, ways_back
from flows.model.check.subnets import subnets
from flows.model.problem import Problem
from flows.model.source import Source

if TYPE_CHECKING:
    from flows.model.network import Network

_CHECKS: tuple[Callable[[Checker], Iterator[Problem]], ...] = (
    hosts,
    tunnel_keys,
    subnets,
    ports,
    peerings,
    routes,
)
_WARNINGS: tuple[Callable[[Checker], Iterator[Problem]], ...] = (
    unused_peerings,
    ways_back,
)
"""Checks for what is missing. Of a network that could not be read in full they would say what is not so."""


def problems(network: "Network", source: Source, broken: Broken) -> list[Problem]:
    """Everything wrong between the objects of a network."""
    checker = Checker(network, source, broken)
    checks = _CHECKS if broken or source.problems else (*_CHECKS, *_WARNINGS)
    return [problem for check in checks for problem in check(checker)]
