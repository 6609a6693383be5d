"""What is proposed is valid, makes packets pass, and none of its steps can be left out."""

import json
import re
from collections.abc import Iterable
from copy import deepcopy
from itertools import combinations, permutations
from random import Random

import pytest
import yaml

from flows.model import AnyPort, InvalidModel, Network, VpcPort, parse
from flows.model.file.written import Data, written
from flows.model.reach.reachability import answers, reached_services
from flows.model.reach.steps import Step
from flows.model.services import EVERYTHING
from flows.simulate.remedy import passes, remedy
from flows.simulate.traffic import Traffic
from tests.random_changes import Changing
from tests.random_networks import random_network, random_switches

PING = Traffic("icmp")
Pair = tuple[AnyPort, AnyPort]


@pytest.mark.parametrize("seed", range(3))
def test_vpcs_that_change(seed: int) -> None:
    changing, mended = Changing(seed), 0
    for _ in range(6):
        changing.change()
        ports = changing.network.vpc_ports.values()
        for pair in Random(seed).sample(list(permutations(ports, 2)), min(10, len(ports) ** 2 - len(ports))):
            mended += is_mended(changing.network, pair)
    assert mended > 10


@pytest.mark.parametrize("seed", range(8))
def test_random_networks(seed: int) -> None:
    random = Random(seed)
    network = random_network(random)
    if random.random() < 0.5:
        network = network.with_ports({name: homeless(random, port) for name, port in network.ports.items()})
    pairs = list(permutations(network.ports.values(), 2))
    for pair in random.sample(pairs, min(len(pairs), 20)):
        is_mended(network, pair)


def test_plain_switches() -> None:
    mended = 0
    for seed in range(10):
        network = random_switches(Random(seed))
        pairs = list(permutations(network.ports.values(), 2))
        mended += sum(is_mended(network, pair) for pair in Random(seed).sample(pairs, min(len(pairs), 15)))
    assert mended > 30


@pytest.mark.parametrize("seed", range(6))
def test_security_groups(seed: int) -> None:
    random, mended = Random(seed), 0
    network = random_network(random, groups=True)
    pairs = list(permutations(network.vpc_ports.values(), 2))
    for pair in random.sample(pairs, min(len(pairs), 20)):
        mended += is_mended(network, pair, random.choice([PING, Traffic("tcp", 81), Traffic("udp", 9000)]))
    assert mended or not any(reached_services(network, *pair) != EVERYTHING for pair in pairs)


def homeless(random: Random, port: AnyPort) -> AnyPort:
    """Perhaps the same port, which declares no host."""
    return port.model_copy(update={"host": None, "moving_to": None}) if random.random() < 0.3 else port


def is_mended(network: Network, pair: Pair, traffic: Traffic = PING) -> bool:
    """Whether there was a remedy; it is looked at, and so is the reason when there was none."""
    source, target = (port.name for port in pair)
    if passes(network, source, target, traffic):
        return False
    found = remedy(network, *pair, traffic)
    assert bool(found.steps) != bool(found.unless)
    if not found.steps:
        assert " is not possible: " in found.unless or not all(isinstance(port, VpcPort) for port in pair), found.unless
        return False
    data = written(network)
    mended = done(data, found.steps)
    assert mended is not None, [*map(str, found.steps)]
    assert passes(mended, source, target, traffic), [*map(str, found.steps)]
    if all(port.address for port in pair):
        assert answers(mended, mended.ports[source], mended.ports[target], traffic.services).arrives, [
            *map(str, found.steps)
        ]
    for fewer in combinations(found.steps, len(found.steps) - 1):
        less = done(data, fewer)
        assert less is None or not passes(less, source, target, traffic), [
            *map(str, found.steps),
            "or",
            *map(str, fewer),
        ]
    return True


def done(data: Data, steps: Iterable[Step]) -> Network | None:
    """The network with some steps typed in as their words say; None when it is not valid then."""
    new, edited = deepcopy(data), deepcopy(data)
    for step in steps:
        type_in(new, str(step))
        step.edit(edited)
    try:
        network = parse(json.dumps(new), "")[0]
    except InvalidModel:
        return None
    assert written(network) == written(parse(json.dumps(edited), "")[0]), "words and edit are not the same"
    return network


def type_in(data: Data, words: str) -> None:
    """Do what a person does who reads the words of a step."""
    if said := re.fullmatch(r"add to (peerings|links): (.*)", words):
        data.setdefault(said[1], {}).update(yaml.safe_load(said[2]))
    elif said := re.fullmatch(r"add to (\S+|router \S+) \(\S+\): (routes: .*)", words):
        end = end_of(data, said[1])
        assert not end.get("routes"), "it has routes already"
        end.update(yaml.safe_load(said[2]))
    elif said := re.fullmatch(r"add to the routes of (\S+|router \S+) \(\S+\): (- .*)", words):
        end_of(data, said[1])["routes"] += yaml.safe_load(said[2])
    elif said := re.fullmatch(r"remove from the routes of (\S+) the one to (\S+) \(\S+\)", words):
        routes = end_of(data, said[1])["routes"]
        routes.remove(next(route for route in routes if route["to"] == said[2]))
    elif said := re.fullmatch(r"add to '(in|out)' of security group (\S+) \(\S+\): (- .*)", words):
        data["security_groups"][said[2]][said[1]] += yaml.safe_load(said[3])
    elif said := re.fullmatch(r"change security group (\S+) \(\S+\): (.*)", words):
        (direction,) = changed = yaml.safe_load(said[2])
        assert data["security_groups"][said[1]][direction] == []
        data["security_groups"][said[1]].update(changed)
    elif said := re.fullmatch(r"change (port|link) (\S+) \(\S+\): (.*)", words):
        data[f"{said[1]}s"][said[2]].update(yaml.safe_load(said[3]))
    else:
        said = re.fullmatch(r"remove from port (\S+) \(\S+\): (\w+)", words)
        assert said is not None, words
        del data["ports"][said[1]][said[2]]


def end_of(data: Data, end: str) -> Data:
    """A subnet or router."""
    kind, name = end.replace("/", " ").split()
    body: Data = data["routers"][name] if "/" not in end else data["vpcs"][kind]["subnets"][name]
    return body
