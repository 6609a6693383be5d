"""A plan looks only at what a change can touch, and finds just what a look at everything finds."""

from itertools import combinations
from random import Random

import pytest

from controller.planning import Planned, plan_between
from flows.compile import compile
from flows.flow_change import FlowChange
from flows.locate import locate
from flows.model import Network
from flows.model.reachability import answers
from flows.plugged import host_facts, tags
from flows.view import view
from tests.random_changes import changes
from tests.random_networks import random_network

SEEDS = range(4)
CHANGES = 25


def reach(network: Network) -> set[frozenset[str]]:
    """Every pair of ports that reaches each other."""
    ports = [port for port in network.ports.values() if port.address]
    return {
        frozenset((one.name, other.name))
        for one, other in combinations(ports, 2)
        if answers(network, one, other).arrives
    }


def cookies(network: Network, *before: Network) -> dict[str, set[int]]:
    """What every switch holds, with numbers as they are when ``before`` came first."""
    numbers, facts = tags(*before, network), host_facts(network, *before)
    places = locate(network, facts)
    return {host: set(compile(view(network, numbers, places, facts[host], host)).flows) for host in network.hosts}


@pytest.mark.parametrize("seed", SEEDS)
def test_a_plan_finds_what_is_different(seed: int) -> None:
    gained, lost, flows, announced = 0, 0, 0, 0
    for old, new in changes(seed, CHANGES):
        planned = plan_between(old, new)
        pairs: dict[bool, list[frozenset[str]]] = {True: [], False: []}
        for change in planned.reachability:
            if change.ports == change.others:
                found = [frozenset(pair) for pair in combinations(change.ports, 2)]
            else:
                found = [frozenset((one, other)) for one in change.ports for other in change.others]
            assert len(found) == change.pairs
            assert change.because, change
            pairs[change.reach] += found
        assert len(pairs[True]) == len(set(pairs[True]))
        assert set(pairs[True]) == reach(new) - reach(old)
        assert set(pairs[False]) == reach(old) - reach(new)
        flows += compare_flows(planned, old, new)
        gained, lost = gained + len(pairs[True]), lost + len(pairs[False])
        announced += sum(port.moving_to is not None for port in new.ports.values())
    assert gained > CHANGES / 4
    assert lost > CHANGES / 4
    assert announced > CHANGES / 4
    assert flows > 5 * CHANGES


@pytest.mark.parametrize("seed", range(40))
def test_a_plan_between_networks_that_have_little_in_common(seed: int) -> None:
    """Other hosts, other encapsulations, other kinds of ports by the same names."""
    random = Random(seed)
    old, new = (random_network(random, random.randint(1, 4)) for _ in range(2))
    assert compare_flows(plan_between(old, new), old, new)


def compare_flows(planned: Planned, old: Network, new: Network) -> int:
    """Hold what a plan says of flows against what each switch holds before and after. Returns how many come and go."""
    before, after, flows = cookies_of(old, new), cookies(new, old), 0
    for host in before.keys() | after.keys():
        change = planned.flows.get(host, FlowChange((), ()))
        added, removed = ([one.flow.cookie for one in some] for some in (change.added, change.removed))
        holds, shall_hold = before.get(host, set()), after.get(host, set())
        assert (sorted(added), sorted(removed)) == (sorted(shall_hold - holds), sorted(holds - shall_hold))
        flows += len(added) + len(removed)
    return flows


def cookies_of(old: Network, new: Network) -> dict[str, set[int]]:
    """What every switch holds of the old network, numbered as :func:`cookies` numbers the new one."""
    numbers, facts = tags(old, new), host_facts(old)
    places = locate(old, facts)
    return {host: set(compile(view(old, numbers, places, facts[host], host)).flows) for host in old.hosts}
