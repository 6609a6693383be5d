"""A traced packet arrives exactly where the model says, and what is advised makes it arrive."""

from random import Random

import pytest

from flows.model import AnyPort, Network
from flows.model.reachability import verdict
from flows.plugged import plugged_in
from flows.simulate.advice import advise
from flows.simulate.tracing import simulated, trace
from flows.simulate.traffic import Traffic
from tests.random_networks import random_network

TRAFFIC = [Traffic("icmp"), Traffic("tcp", 80), Traffic("udp", 53)]


def pairs(network: Network) -> list[tuple[AnyPort, AnyPort]]:
    """Every two ports that have an address."""
    ports = [port for port in network.ports.values() if port.address is not None]
    return [(one, other) for one in ports for other in ports if one is not other]


@pytest.mark.parametrize("seed", range(20))
def test_random_networks(seed: int) -> None:
    random = Random(seed)
    network = random_network(random)
    snapshot = plugged_in(network)
    for source, target in pairs(network):
        found = trace(snapshot, simulated(snapshot), source, target, random.choice(TRAFFIC))
        assert found.is_delivered == verdict(network, source, target).arrives, (
            f"{source.name} -> {target.name}: {found}"
        )


@pytest.mark.parametrize("seed", range(8))
def test_what_is_advised_helps(seed: int) -> None:
    random = Random(seed)
    network = random_network(random)
    silent = [pair for pair in pairs(network) if not verdict(network, *pair).arrives]
    for source, target in random.sample(silent, min(len(silent), 4)):
        advice = advise(network, source, target, Traffic("icmp"))
        if advice.network is not None:
            ports = advice.network.ports
            assert verdict(advice.network, ports[source.name], ports[target.name]).arrives, advice
