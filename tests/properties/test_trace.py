"""A traced packet arrives exactly where the model says."""

from random import Random

import pytest

from flows.compile.declared import plugged_in
from flows.model import AnyPort, Network
from flows.model.reach.reachability import verdict
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
