"""A plan looks only at what a change can touch, and finds just what a look at everything finds."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from itertools import combinations, pairwise, permutations
from random import Random

import pytest

from controller.inspect.planning import Planned, Situation, plan_between
from flows.compile.declared import host_facts, switch_facts, tags
from flows.compile.from_scratch import view
from flows.compile.program import compile
from flows.inputs.facts import SwitchFacts
from flows.inputs.locate import locate
from flows.inputs.tags import Tags
from flows.inputs.tree import tree, working
from flows.model import Network
from flows.model.difference import NetworkDifference
from flows.model.reach.reachability import answers
from flows.preview.flow_change import FlowChange
from flows.preview.forecast import Forecast, Observed
from flows.units.plain_switch import locate_machines, view_switch
from tests.random_changes import changes
from tests.random_networks import random_network
from tests.scenario import SHIPPED, load

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


@pytest.mark.parametrize("seed", range(20))
def test_a_plan_for_one_port_of_any_kind(seed: int) -> None:
    """What remains on a host keeps the flows that it shares with the port that goes or comes."""
    whole = random_network(Random(seed))
    for name in whole.ports:
        less = whole.with_ports({one: port for one, port in whole.ports.items() if one != name})
        for old, new in ((whole, less), (less, whole)):
            compare_flows(plan_between(old, new), old, new)
            compare_later(old, new)


def before_anything_follows(old: Network, new: Network) -> tuple[Planned, list[Observed]]:
    """A plan for a running network, and what is observed after the change, one after the other: first as before."""
    hosts = {
        host: replace(facts, interfaces=frozenset(replace(one, bound=True) for one in facts.interfaces))
        for host, facts in host_facts(old).items()
    }
    observed = Observed(hosts, switch_facts(old))
    situation = Situation(tags(old, new), observed.hosts, observed.switches)
    following = Forecast(NetworkDifference(old, new), observed)
    return Planned(old, new, {}, situation, situation), [observed, *following.steps]


def compare_later(old: Network, new: Network) -> int:
    """Hold what a plan says of what follows against what each switch holds at each time. Returns how much follows."""
    planned, observed = before_anything_follows(old, new)
    numbers = tags(old, new)
    aligned = NetworkDifference(old, new).aligned
    come, gone = dict[str, Counter[int]](), dict[str, Counter[int]]()
    held = [all_flows(aligned, numbers, one) for one in observed]
    for before, after in pairwise(held):
        for place in before.keys() | after.keys():
            holds, will_hold = before.get(place, set()), after.get(place, set())
            come.setdefault(place, Counter()).update(will_hold - holds)
            gone.setdefault(place, Counter()).update(holds - will_hold)
    for place in come:
        change = planned.later.flows.get(place, FlowChange((), ()))
        assert Counter(one.flow.cookie for one in change.added) == come[place]
        assert Counter(one.flow.cookie for one in change.removed) == gone[place]
    assert bool(planned.later.when) == (len(observed) > 1), planned.later.when
    wanted, final = host_facts(new), observed[-1].hosts
    for host, facts in wanted.items():
        there = {i.iface_id for i in final[host].interfaces} & new.ports.keys()
        assert {i.iface_id for i in facts.interfaces} <= there, host
        assert dict(final[host].physical).keys() == dict(facts.physical).keys()
    for switch, seen in switch_facts(new).items():
        assert {plug.name for plug in seen.plugs} <= {plug.name for plug in observed[-1].switches[switch].plugs}
    return sum(map(Counter.total, come.values())) + sum(map(Counter.total, gone.values()))


def all_flows(network: Network, numbers: Tags, observed: Observed) -> dict[str, set[int]]:
    """What every host and plain switch of which something is known holds."""
    places = locate(network, observed.hosts)
    known = {name: facts for name, facts in observed.switches.items() if name in network.switches}
    links, machines = network.links.values(), locate_machines(network, known)
    ways = tree(links, working(links, known))
    hosts = {
        host: set(compile(view(network, numbers, places, facts, host)).flows)
        for host, facts in observed.hosts.items()
        if host in network.hosts
    }
    return hosts | {one: set(compile(view_switch(network, one, known[one], ways, machines)).flows) for one in known}


@pytest.mark.parametrize("seed", SEEDS)
def test_what_follows_a_change(seed: int) -> None:
    """Ports that come, move and are announced to move: their flows change when they are plugged in, not before."""
    assert sum(compare_later(old, new) for old, new in changes(seed, CHANGES)) > 5 * CHANGES


@pytest.mark.parametrize("seed", range(40))
def test_what_follows_between_networks_that_have_little_in_common(seed: int) -> None:
    """Hosts, physical networks and encapsulations that are others, and ports of other kinds by the same names."""
    random = Random(seed)
    old, new = (random_network(random, random.randint(1, 4)) for _ in range(2))
    compare_later(old, new)


PLAIN = {
    name: load(SHIPPED / f"{name}.yaml")
    for name in ("lan", "two-lans", "vlan-data-centre", "data-centre", "peered-vpcs")
}


@pytest.mark.parametrize(("one", "other"), [*permutations(PLAIN, 2)])
def test_a_plan_between_plain_switches(one: str, other: str) -> None:
    """Switches that come and go, have other links and other machines."""
    old, new = PLAIN[one], PLAIN[other]
    planned = plan_between(old, new)
    assert compare_flows(planned, old, new) + compare_switches(planned, old, new)
    assert compare_later(old, new)


def test_a_plan_for_a_cable_and_a_machine() -> None:
    network, differences = PLAIN["vlan-data-centre"], 0
    for section in ("links", "ports"):
        for name in getattr(network, section):
            fields = {field: getattr(network, field) for field in Network.model_fields}
            fields[section] = {key: item for key, item in fields[section].items() if key != name}
            less = Network.model_construct(**fields)
            for old, new in ((network, less), (less, network)):
                differences += compare_switches(plan_between(old, new), old, new)
                compare_later(old, new)
    assert differences > len(network.links) + len(network.ports)


def compare_switches(planned: Planned, old: Network, new: Network) -> int:
    """The same for plain switches."""
    before, after = of_switches(old, switch_facts(old)), of_switches(new, switch_facts(new, old))
    return sum(compare_flow_sets(planned, one, before, after) for one in before.keys() | after.keys())


def of_switches(network: Network, facts: Mapping[str, SwitchFacts]) -> dict[str, set[int]]:
    """What every plain switch holds."""
    links, machines = network.links.values(), locate_machines(network, facts)
    ways = tree(links, working(links, facts))
    return {one: set(compile(view_switch(network, one, facts[one], ways, machines)).flows) for one in network.switches}


def compare_flows(planned: Planned, old: Network, new: Network) -> int:
    """Hold what a plan says of hosts' flows against what each holds before and after. Returns how many come and go."""
    before, after = cookies_of(old, new), cookies(new, old)
    return sum(compare_flow_sets(planned, host, before, after) for host in before.keys() | after.keys())


def compare_flow_sets(
    planned: Planned, place: str, before: Mapping[str, set[int]], after: Mapping[str, set[int]]
) -> int:
    change = planned.flows.get(place, FlowChange((), ()))
    added, removed = ([one.flow.cookie for one in some] for some in (change.added, change.removed))
    holds, will_hold = before.get(place, set()), after.get(place, set())
    assert (sorted(added), sorted(removed)) == (sorted(will_hold - holds), sorted(holds - will_hold))
    return len(added) + len(removed)


def cookies_of(old: Network, new: Network) -> dict[str, set[int]]:
    """What every switch holds of the old network, numbered as :func:`cookies` numbers the new one."""
    numbers, facts = tags(old, new), host_facts(old)
    places = locate(old, facts)
    return {host: set(compile(view(old, numbers, places, facts[host], host)).flows) for host in old.hosts}
