"""Which connections security groups allow: told against each rule by itself, and plans against both networks."""

import json
from collections.abc import Iterable
from ipaddress import IPv4Network
from itertools import permutations
from random import Random

import pytest

from flows.model import Network, Rule, VpcPort, parse
from flows.model.atoms import admitted, atoms
from flows.model.difference import NetworkDifference
from flows.model.file.written import written
from flows.model.intervals import Intervals
from flows.model.reach.admission import endpoints_of
from flows.model.reach.change import reachability_changes
from flows.model.reach.reachability import answers, reached_services, way
from flows.model.services import EVERYTHING, ICMP, NO_SERVICE, PING, TCP, UDP, of_ports
from tests.random_changes import changes
from tests.random_networks import random_network

SERVICES = [
    *((TCP, port) for port in (1, 22, 79, 80, 85, 90, 91, 399, 443, 1024, 1025, 5432, 6000, 6001, 65535)),
    *((UDP, port) for port in (1, 50, 53, 8125, 8126, 8127, 8130, 8131)),
    *((ICMP, kind * 256 + code) for kind in (8, 13, 3) for code in (0, 1)),
    *((protocol, 0) for protocol in (0, 47, 132, 255)),
]


def is_allowed(network: Network, source: VpcPort, target: VpcPort, service: tuple[int, int]) -> bool:
    """Whether both ends allow a service, in the plainest words: some group that restricts has a rule for it."""
    return _is_allowed_by(network, source, target, service, "out") and _is_allowed_by(
        network, target, source, service, "in"
    )


def _is_allowed_by(network: Network, port: VpcPort, other: VpcPort, service: tuple[int, int], direction: str) -> bool:
    groups = [network.security_groups[name] for name in network.groups_of(port)]
    lists = [group.inbound if direction == "in" else group.outbound for group in groups]
    restricting = [rules for rules in lists if rules is not None]
    return not restricting or any(_is_for(network, rule, other, service) for rules in restricting for rule in rules)


def _is_for(network: Network, rule: Rule, other: VpcPort, service: tuple[int, int]) -> bool:
    named = rule.remote
    is_for_other = named is None or any(
        one in network.groups_of(other) if "/" not in one else one in _supernets(other) for one in named
    )
    return is_for_other and of_ports(*service, service[1]) <= rule.services


def _supernets(port: VpcPort) -> set[str]:
    """Every range that a port's first address is in."""
    return {str(IPv4Network(f"{port.ips[0]}/{length}", strict=False)) for length in range(33)}


def pairs(network: Network) -> Iterable[tuple[VpcPort, VpcPort]]:
    return permutations(network.vpc_ports.values(), 2)


@pytest.mark.parametrize("seed", range(30))
def test_what_passes(seed: int) -> None:
    network = random_network(Random(seed), groups=True)
    for source, target in pairs(network):
        passes = reached_services(network, source, target)
        there_and_back = way(network, source, target).arrives and way(network, target, source).arrives
        ends = [
            (end, atoms(rule for group in end.groups for rule in group.rules_of(end.direction) or ()))
            for end in endpoints_of(network, source, target)
        ]
        for service in SERVICES:
            one = of_ports(*service, service[1])
            expected = there_and_back and is_allowed(network, source, target, service)
            assert (one <= passes) == expected
            found = answers(network, source, target, one)
            assert found.arrives == expected
            assert found.reason
            by_atoms = all(
                not end.groups or admitted(cut, *service).holds(end.other.ips[0], network.groups_of(end.other))
                for end, cut in ends
            )
            assert by_atoms == is_allowed(network, source, target, service)
        assert answers(network, source, target).arrives == (passes & PING == PING)


def test_random_groups_allow_and_refuse() -> None:
    """The networks of these tests are worth something."""
    counts = {"all": 0, "none": 0, "some": 0}
    for seed in range(30):
        network = random_network(Random(seed), groups=True)
        for source, target in pairs(network):
            if way(network, source, target).arrives:
                passes = reached_services(network, source, target)
                counts["all" if passes == EVERYTHING else "some" if passes else "none"] += 1
    assert min(counts.values()) > 50, counts


def with_rules(network: Network, group: str, direction: str, rules: tuple[Rule, ...] | None) -> Network:
    """The network in which a group has other rules."""
    field = "inbound" if direction == "in" else "outbound"
    changed = network.security_groups[group].model_copy(update={field: rules})
    fields = {name: getattr(network, name) for name in Network.model_fields}
    return Network.model_construct(**fields | {"security_groups": {**network.security_groups, group: changed}})


@pytest.mark.parametrize("seed", range(20))
def test_a_rule_less_never_widens(seed: int) -> None:
    """And so one more never narrows, whatever other rules and groups there are."""
    network = random_network(Random(seed), groups=True)
    before = {pair: reached_services(network, *pair) for pair in pairs(network)}
    for name, group in network.security_groups.items():
        for direction in ("in", "out"):
            rules = group.inbound if direction == "in" else group.outbound
            for index in range(len(rules or ())):
                assert rules is not None
                less = with_rules(network, name, direction, (*rules[:index], *rules[index + 1 :]))
                assert all(reached_services(less, *pair) <= passed for pair, passed in before.items())
                again = with_rules(network, name, direction, (*rules[index:], *rules[:index]))
                assert all(reached_services(again, *pair) == passed for pair, passed in before.items())


def passing(network: Network) -> dict[tuple[str, str], Intervals]:
    """What passes from each port to each other one."""
    ports = [port for port in network.ports.values() if port.address]
    found = {(one.name, other.name): reached_services(network, one, other) for one, other in permutations(ports, 2)}
    return {pair: services for pair, services in found.items() if services}


@pytest.mark.parametrize("seed", range(6))
def test_a_plan_tells_services(seed: int) -> None:
    """What a plan says of services is the difference of two looks at every pair of ports, and says what did it."""
    partial = 0
    for old, new in changes(seed, 25, groups=True):
        told: dict[bool, dict[tuple[str, str], Intervals]] = {True: {}, False: {}}
        for change in reachability_changes(NetworkDifference(old, new)):
            assert change.because, change
            assert change.reason, change
            found = [(one, other) for one in change.ports for other in change.others if one != other]
            if change.is_mutual and change.ports != change.others:
                found += [(other, one) for one, other in found]
            assert len(found) == change.pairs * (2 if change.is_mutual else 1)
            for pair in found:
                assert pair not in told[change.reach], pair
                told[change.reach][pair] = change.services
            partial += not change.is_whole
        before, after = passing(old), passing(new)
        for reach, one, other in ((True, after, before), (False, before, after)):
            expected = {pair: some - other.get(pair, NO_SERVICE) for pair, some in one.items()}
            assert told[reach] == {pair: some for pair, some in expected.items() if some}
    assert partial > 5


@pytest.mark.parametrize("seed", range(10))
def test_a_network_with_groups_is_written_as_it_is(seed: int) -> None:
    network = random_network(Random(seed), groups=True)
    again, _ = parse(json.dumps(written(network)), "again.yaml")
    assert not any(NetworkDifference(network, again).changed.values())
