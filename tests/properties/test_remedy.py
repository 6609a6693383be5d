"""What ``why-not`` proposes is enough, is valid, and none of its steps can be left out."""

from copy import deepcopy
from itertools import combinations, permutations

import pytest

from flows.model import InvalidModel, Network, VpcPort, parse
from flows.model.reachability import answers
from flows.model.remedy import AddPeering, AddRoute, RemoveRoute, Step, remedy
from tests.random_changes import Changing, Document

SEEDS = range(3)


def changed(document: Document, steps: tuple[Step, ...]) -> Network | None:
    """The network with some steps done; None when it is not valid then."""
    new = deepcopy(document)
    for step in steps:
        match step:
            case AddPeering():
                new["peerings"][step.name] = {"between": list(step.between)}
            case AddRoute():
                vpc, _, subnet = step.end.partition("/")
                new["vpcs"][vpc]["subnets"][subnet]["routes"].append({"to": str(step.to), "via": step.via})
            case RemoveRoute():
                vpc, _, subnet = step.end.partition("/")
                routes = new["vpcs"][vpc]["subnets"][subnet]["routes"]
                routes[:] = [route for route in routes if route["to"] != str(step.to)]
    try:
        return parse(_yaml(new), "network.yaml")[0]
    except InvalidModel:
        return None


def _yaml(document: Document) -> str:
    changing = object.__new__(Changing)
    changing.document = document
    return changing.text


@pytest.mark.parametrize("seed", SEEDS)
def test_steps_are_enough_and_none_too_many(seed: int) -> None:
    changing, mended = Changing(seed), 0
    for _ in range(6):
        changing.change()
        network = changing.network
        for source, target in permutations(network.vpc_ports.values(), 2):
            found = remedy(network, source, target)
            if answers(network, source, target).arrives:
                assert not found.steps
                continue
            assert bool(found.steps) != bool(found.unless)
            if found.steps:
                mended += 1
                check(changing.document, found.steps, source, target)
    assert mended > 10


def check(document: Document, steps: tuple[Step, ...], source: VpcPort, target: VpcPort) -> None:
    network = changed(document, steps)
    assert network is not None, (document, [*map(str, steps)])
    assert answers(network, source, target).arrives, [*map(str, steps)]
    for fewer in combinations(steps, len(steps) - 1):
        less = changed(document, fewer)
        assert less is None or not answers(less, source, target).arrives, [*map(str, fewer)]
