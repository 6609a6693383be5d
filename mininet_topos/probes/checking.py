"""Which connections a network declares, and what became of them, held against what the model says."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import permutations
from random import Random

from flows.model import Network, VpcPort
from flows.model.intervals import Interval, Intervals
from flows.model.problem import counted
from flows.model.reach.admission import endpoints_of
from flows.model.reach.reachability import Verdict, answers
from flows.model.services import LARGEST_PORT, TCP, UDP, by_protocol, of_ports, of_protocol
from mininet_topos.probes.connecting import Attempt, Outcome, Protocol

_TRIES = 3
"""Attempts at a connection that should come about, until it does: many at once are too much for a busy machine."""

_PROTOCOLS: Mapping[Protocol, int] = {"tcp": TCP, "udp": UDP}
_FIRST_OTHER = 9
"""The lowest port that is tried besides those that rules name (discard, RFC 863)."""

Connecting = Callable[[Sequence[Attempt]], list[Outcome]]
"""Tries connections: what became of each."""


@dataclass(frozen=True, slots=True)
class Connection:
    """A connection that was tried, and what the model says of it."""

    attempt: Attempt
    expected: Verdict
    outcome: Outcome = "silent"
    tries: int = 0

    @property
    def is_right(self) -> bool:
        """Whether it went as the model says, as far as it could be tried."""
        return self.outcome == "busy" or (self.outcome == "answered") == self.expected.arrives

    @property
    def is_lost(self) -> bool:
        """Whether it should have come about and did not."""
        return self.expected.arrives and self.outcome == "silent"

    @property
    def service(self) -> str:
        """Protocol and port, as people write them."""
        return f"{self.attempt.protocol} {self.attempt.port}"


def declared(network: Network, ports: Collection[str], most: int, random: Random) -> tuple[list[Attempt], int]:
    """The connections to try between some ports of VPCs, and how many there are in all. Of too many: some at random.

    Each pair is tried for every port of TCP and UDP at which a rule of either end begins or ends, and for one that no
    rule names.
    """
    known: dict[tuple[tuple[str, ...], tuple[str, ...]], list[tuple[Protocol, int]]] = {}
    chosen: list[Attempt] = []
    number = 0
    for source, target in permutations((port for port in network.vpc_ports.values() if port.name in ports), 2):
        groups = network.groups_of(source), network.groups_of(target)
        if groups not in known:
            known[groups] = [*_services(network, source, target)]
        for protocol, port in known[groups]:
            number += 1
            attempt = Attempt(source.name, target.name, str(target.ips[0]), protocol, port)
            if len(chosen) < most:
                chosen.append(attempt)
            elif (at := random.randrange(number)) < most:
                chosen[at] = attempt
    return chosen, number


def _services(network: Network, source: VpcPort, target: VpcPort) -> Iterator[tuple[Protocol, int]]:
    """Protocols and ports that tell apart what the rules of two ports allow."""
    rules = [
        rule
        for end in endpoints_of(network, source, target)
        for group in end.groups
        for rule in group.rules_of(end.direction) or ()
    ]
    for name, protocol in _PROTOCOLS.items():
        named = [part for rule in rules for part in _ports(rule.services, protocol)]
        edges = {edge for part in named for edge in part} & {*range(1, LARGEST_PORT + 1)}
        yield from ((name, port) for port in sorted(edges))
        others = Intervals(((_FIRST_OTHER, LARGEST_PORT),)) - Intervals.of(named)
        if others:
            yield name, others.parts[0][0]


def _ports(services: Intervals, protocol: int) -> tuple[Interval, ...]:
    return next((ports.parts for _, ports in by_protocol(services & of_protocol(protocol))), ())


def check(network: Network, attempts: Sequence[Attempt], connect: Connecting, tries: int = _TRIES) -> list[Connection]:
    """Try connections. Those that should come about and do not are tried up to ``tries`` times."""
    found = [Connection(attempt, _expected(network, attempt)) for attempt in attempts]
    for number in range(tries):
        again = [index for index, one in enumerate(found) if number == 0 or one.is_lost]
        outcomes = connect([found[index].attempt for index in again]) if again else []
        for index, outcome in zip(again, outcomes, strict=True):
            found[index] = replace(found[index], outcome=outcome, tries=number + 1)
    return found


def _expected(network: Network, attempt: Attempt) -> Verdict:
    services = of_ports(_PROTOCOLS[attempt.protocol], attempt.port, attempt.port)
    return answers(network, network.ports[attempt.source], network.ports[attempt.target], services)


def summary(found: Sequence[Connection], number: int) -> str:
    """How many went as the model says. ``number``: how many there are in all."""
    wrong, busy = sum(not one.is_right for one in found), sum(one.outcome == "busy" for one in found)
    chosen = f" of {number}, chosen at random" if number > len(found) else ""
    right = len(found) - wrong - busy
    said = f"{counted(len(found), 'connection')}{chosen}: {right} as the model says, {wrong} wrong"
    return f"{said}, {busy} not tried, because something listens there already" if busy else said
