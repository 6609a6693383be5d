"""Who reaches whom over plain switches and routers, from the model alone."""

import pytest

from flows.model import Network, parse
from flows.model.reachability import answers, verdict
from tests.scenario import SHIPPED, load

NETWORK = """
switches: {s1: {}, s2: {}, s3: {}}
links:
  s1-s2: {between: [s1, s2]}
  s2-s3: {between: [s2, s3], trunk: [101]}
routers:
  r1: {interfaces: {lan: {switch: s1, ip: 10.0.0.1/24}, red: {switch: s1, vlan: 101, ip: 10.0.1.1/24}}}
ports:
  a: {switch: s1, ip: 10.0.0.11/24, gateway: 10.0.0.1}
  b: {switch: s2, ip: 10.0.0.12/24, gateway: 10.0.0.1}
  c: {switch: s3, ip: 10.0.0.13/24, gateway: 10.0.0.1}
  red: {switch: s3, vlan: 101, ip: 10.0.1.13/24, gateway: 10.0.1.1}
  blind: {switch: s3, vlan: 101, ip: 10.0.1.14/24}
  other: {switch: s1, ip: 10.9.0.11/24}
  twin: {switch: s2, vlan: 102, ip: 10.0.0.11/24}
"""


@pytest.fixture
def network() -> Network:
    return parse(NETWORK, "network.yaml")[0]


@pytest.mark.parametrize(
    ("source", "target", "arrives", "reason"),
    [
        ("a", "b", True, "both are in one network of one LAN"),
        ("a", "c", False, "nobody has 10.0.0.13 in the LAN of s1, where a looks for it"),
        ("b", "red", True, "by way of r1"),
        ("c", "a", False, "nobody has 10.0.0.11 in the LAN of s3, where c looks for it"),
        ("red", "a", True, "by way of r1"),
        ("blind", "a", False, "blind has no route to 10.0.0.11"),
        ("a", "other", False, "r1 has no route to 10.9.0.11"),
        ("b", "twin", False, "a has 10.0.0.11 in the LAN of s2, where b looks for it"),
        ("a", "twin", False, "a has the address 10.0.0.11 itself"),
    ],
)
def test_one_way(network: Network, source: str, target: str, arrives: bool, reason: str) -> None:
    found = verdict(network, network.ports[source], network.ports[target])
    assert (found.arrives, found.reason) == (arrives, reason)


def test_answer_needs_a_way_back(network: Network) -> None:
    a, blind = network.ports["a"], network.ports["blind"]
    assert verdict(network, a, blind).arrives
    assert not answers(network, a, blind).arrives


def test_routes_in_a_circle() -> None:
    routers = """
  r1: {interfaces: {lan: {switch: s1, ip: 10.0.0.1/24}}, routes: [{to: 10.9.0.0/16, via: 10.0.0.2}]}
  r2: {interfaces: {lan: {switch: s1, ip: 10.0.0.2/24}}, routes: [{to: 10.9.0.0/16, via: 10.0.0.1}]}
"""
    network = parse(
        NETWORK.replace("routers:\n", f"routers:{routers}".rstrip() + "\n").replace(
            "  r1: {interfaces: {lan: {switch: s1, ip: 10.0.0.1/24}, red",
            "  r0: {interfaces: {lan: {switch: s3, ip: 10.0.0.1/24}, red",
        ),
        "n",
    )[0]
    found = verdict(network, network.ports["a"], network.ports["other"])
    assert found.reason == "routers send packets for 10.9.0.11 round in circles: r1, r2"


def test_moved_machine_is_in_another_lan() -> None:
    network = load(SHIPPED / "data-centre.yaml")
    moved = network.with_ports({**network.ports, "vm11": network.ports["vm11"].moved("access2")})
    assert verdict(network, network.ports["vm21"], network.ports["vm11"]).arrives
    assert not verdict(moved, moved.ports["vm21"], moved.ports["vm11"]).arrives
