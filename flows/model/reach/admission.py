"""Which connections security groups allow between two ports, from the model alone.

This is what a user means by groups, stated without tables and flows: the flows and the switches are held against it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import or_

from flows.model.intervals import Intervals
from flows.model.objects.network import Network
from flows.model.objects.port import VpcPort
from flows.model.objects.security_group import Direction, Rule, SecurityGroup
from flows.model.problem import listed
from flows.model.reach.deciding import Decider, decider
from flows.model.services import EVERYTHING, NO_SERVICE, words


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One end of a connection: a port that is asked for one direction, and the port at the other end."""

    network: Network
    port: VpcPort
    other: VpcPort
    direction: Direction

    @property
    def groups(self) -> tuple[SecurityGroup, ...]:
        """Those of the port's groups that declare the direction. None: it is open."""
        known = self.network.security_groups
        found = (known[name] for name in self.network.groups_of(self.port))
        return tuple(group for group in found if group.rules_of(self.direction) is not None)

    @property
    def rules(self) -> Iterator[tuple[SecurityGroup, Rule]]:
        """The rules that are for the other end, each with its group."""
        theirs = self.network.groups_of(self.other)
        for group in self.groups:
            for rule in group.rules_of(self.direction) or ():
                if rule.who.holds(self.other.ips[0], theirs):
                    yield group, rule

    @property
    def admitted(self) -> Intervals:
        """The services that the port's groups allow with the other end."""
        return reduce(or_, (rule.services for _, rule in self.rules), NO_SERVICE) if self.groups else EVERYTHING


@dataclass(frozen=True, slots=True)
class Admission:
    """Whether security groups let a port open a connection to another one, and why."""

    allows: bool
    reason: str
    """In a sentence; empty where no group is asked."""
    because: tuple[Decider, ...] = ()
    """The rules that allow it and the groups that they name, or the groups that lack a rule."""
    refused_by: Endpoint | None = None


def endpoints_of(network: Network, source: VpcPort, target: VpcPort) -> tuple[Endpoint, Endpoint]:
    """The two ends at which a connection must be allowed: what goes out of its source, what comes into its target."""
    return Endpoint(network, source, target, "out"), Endpoint(network, target, source, "in")


def admitted(network: Network, source: VpcPort, target: VpcPort) -> Intervals:
    """The services for which security groups let a port connect to another one."""
    out, into = endpoints_of(network, source, target)
    return out.admitted & into.admitted


def admission(network: Network, source: VpcPort, target: VpcPort, services: Intervals) -> Admission:
    """Whether security groups let a port connect to another one for all of some services."""
    because: list[Decider] = []
    said: list[str] = []
    for end in endpoints_of(network, source, target):
        asked = end.groups
        if not asked:
            continue
        if not services <= end.admitted:
            return Admission(False, _refusal(end, asked, services), tuple(map(decider, asked)), end)
        for group, rule in _needed(end, services):
            because += [decider(rule, str(group)), *_named(end, rule)]
            said.append(f"{rule} of {group} allows it")
    return Admission(True, "; ".join(said), tuple(dict.fromkeys(because)))


def _needed(end: Endpoint, services: Intervals) -> list[tuple[SecurityGroup, Rule]]:
    """The first rule that allows all of some services; where none does alone, all that allow some of them."""
    rules = [(group, rule) for group, rule in end.rules if rule.services & services]
    return [(group, rule) for group, rule in rules if services <= rule.services][:1] or rules


def _named(end: Endpoint, rule: Rule) -> Iterator[Decider]:
    """The groups of the other end by which a rule is for it."""
    theirs = end.network.groups_of(end.other)
    return (decider(end.network.security_groups[name]) for name in theirs if name in rule.who.groups)


def _refusal(end: Endpoint, asked: Sequence[SecurityGroup], services: Intervals) -> str:
    groups = listed([group.name for group in asked])
    of_groups = f"security group {groups}" if len(asked) == 1 else f"its security groups ({groups})"
    other = f"{end.other.name} ({_described(end)})"
    if end.direction == "out":
        return f"{end.port.name} may not open it: no rule 'out' of {of_groups} allows {words(services)} to {other}"
    return f"{end.port.name} does not accept it: no rule 'in' of {of_groups} allows {words(services)} from {other}"


def _described(end: Endpoint) -> str:
    """What rules can know the other end by."""
    names = end.network.groups_of(end.other)
    return f"{end.other.ips[0]}, in {listed(names)}" if names else f"{end.other.ips[0]}, in no security group"
