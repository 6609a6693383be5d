"""A plan looks only at what a change can touch, and finds just what a look at everything finds."""

from itertools import combinations

import pytest

from controller.planning import plan_between
from flows.compile import compile
from flows.locate import locate
from flows.model import Network
from flows.model.reachability import answers
from flows.plugged import host_facts, tags
from flows.view import view
from tests.random_changes import changes

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
    gained, lost, flows = 0, 0, 0
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
        before = cookies_of(old, new)
        after = cookies(new, old)
        for host in new.hosts:
            change_of_host = planned.flows.get(host)
            added = {one.flow.cookie for one in change_of_host.added} if change_of_host else set()
            removed = {one.flow.cookie for one in change_of_host.removed} if change_of_host else set()
            assert (added, removed) == (after[host] - before[host], before[host] - after[host])
            flows += len(added) + len(removed)
        gained, lost = gained + len(pairs[True]), lost + len(pairs[False])
    assert gained > CHANGES / 4
    assert lost > CHANGES / 4
    assert flows > 5 * CHANGES


def cookies_of(old: Network, new: Network) -> dict[str, set[int]]:
    """What every switch holds of the old network, numbered as :func:`cookies` numbers the new one."""
    numbers, facts = tags(old, new), host_facts(old)
    places = locate(old, facts)
    return {host: set(compile(view(old, numbers, places, facts[host], host)).flows) for host in old.hosts}
