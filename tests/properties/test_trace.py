"""A traced packet arrives exactly where the model says."""

from random import Random

import pytest

from flows.compile.declared import plugged_in
from flows.model import AnyPort, Network
from flows.model.reach.reachability import answers, verdict
from flows.simulate.tracing import simulated, trace
from flows.simulate.traffic import Traffic
from tests.random_networks import random_network

TRAFFIC = [Traffic("icmp"), Traffic("tcp", 80), Traffic("tcp", 1024), Traffic("udp", 53), Traffic("udp", 8126)]


def pairs(network: Network) -> list[tuple[AnyPort, AnyPort]]:
    """Every two ports that have an address."""
    ports = [port for port in network.ports.values() if port.address is not None]
    return [(one, other) for one in ports for other in ports if one is not other]


@pytest.mark.parametrize("groups", [False, True], ids=["without groups", "with groups"])
@pytest.mark.parametrize("seed", range(20))
def test_random_networks(seed: int, groups: bool) -> None:
    random = Random(seed)
    network = random_network(random, groups=groups)
    snapshot = plugged_in(network)
    for source, target in pairs(network):
        traffic = random.choice(TRAFFIC)
        found = trace(snapshot, simulated(snapshot), source, target, traffic)
        assert found.is_delivered == verdict(network, source, target, traffic.services).arrives, (
            f"{source.name} -> {target.name}, {traffic}: {found}"
        )


@pytest.mark.parametrize("seed", range(8))
def test_what_was_allowed_is_answered(seed: int) -> None:
    """Answers need no rule. Without the packet that they answer they are refused as any other."""
    network = random_network(Random(seed), groups=True)
    snapshot = plugged_in(network)
    for source, target in pairs(network):
        for traffic in TRAFFIC:
            world = simulated(snapshot)
            arrives = trace(snapshot, world, source, target, traffic).is_delivered
            answered = arrives and trace(snapshot, world, target, source, traffic.answer).is_delivered
            assert answered == answers(network, source, target, traffic.services).arrives, (
                f"{source.name} -> {target.name}, {traffic}"
            )
