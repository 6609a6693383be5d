"""Who reaches whom over plain switches and routers, from the model alone."""

from time import process_time

import pytest

from flows.model import InvalidModel, Network, parse
from flows.model.reach.reachability import answers, verdict
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
    """Each of two routers takes the other for the way to what it does not know itself."""
    network, warnings = parse(
        """
switches: {s1: {}, s2: {}, s3: {}}
routers:
  r1: {interfaces: {wan: {switch: s1, ip: 10.1.0.1/24}, lan: {switch: s2, ip: 10.2.0.1/24}},
       routes: [{to: 0.0.0.0/0, via: 10.1.0.2}]}
  r2: {interfaces: {wan: {switch: s1, ip: 10.1.0.2/24}, lan: {switch: s3, ip: 10.3.0.1/24}},
       routes: [{to: 0.0.0.0/0, via: 10.1.0.1}]}
ports:
  a: {switch: s2, ip: 10.2.0.11/24, gateway: 10.2.0.1}
  b: {switch: s3, ip: 10.3.0.11/24, gateway: 10.3.0.1}
  other: {switch: s3, ip: 10.9.0.11/24}
""",
        "n",
    )
    assert [warning.line for warning in warnings] == [5]
    assert answers(network, network.ports["a"], network.ports["b"]).arrives
    found = verdict(network, network.ports["a"], network.ports["other"])
    assert found.reason == "routers send packets for 10.9.0.11 in a loop: r1, r2"


def test_moved_machine_is_in_another_lan() -> None:
    network = load(SHIPPED / "data-centre.yaml")
    moved = network.with_ports({**network.ports, "vm11": network.ports["vm11"].moved("access2")})
    assert verdict(network, network.ports["vm21"], network.ports["vm11"]).arrives
    assert not verdict(moved, moved.ports["vm21"], moved.ports["vm11"]).arrives


def ring(*routes: str) -> str:
    """Routers in one LAN, each with a LAN of its own and with some routes; ``N`` stands for the next router."""
    lines = [f"switches: {{s: {{}}, {', '.join(f's{number}: {{}}' for number in range(len(routes)))}}}", "routers:"]
    for number, some in enumerate(routes):
        legs = f"wan: {{switch: s, ip: 10.0.0.{number + 1}/24}}, lan: {{switch: s{number}, ip: 10.1.{number}.1/24}}"
        told = some.replace("N", f"via: 10.0.0.{(number + 1) % len(routes) + 1}")
        lines.append(f"  r{number}: {{interfaces: {{{legs}}}, routes: [{told}]}}")
    return "\n".join([*lines, ""])


@pytest.mark.parametrize(
    ("routes", "wrong"),
    [
        (["{to: 10.9.0.0/16, N}"] * 3, "10.9.0.0/16 go in a loop: r0 hands them to r1, r1 to r2, r2 to r0"),
        # A wider route of one of them, and a narrower one, are a part of the same circle.
        (["{to: 10.9.1.0/24, N}", "{to: 10.9.0.0/16, N}", "{to: 10.8.0.0/15, N}"], "10.9.1.0/24 go in a loop"),
        (["{to: 10.9.0.0/16, N}", "{to: 10.8.0.0/15, N}", ""], None),
        # In the middle of what goes round is the LAN of one of them.
        (["{to: 10.1.0.0/16, N}"] * 3, None),
        (["{to: 0.0.0.0/0, N}"] * 5, None),
        (["{to: 10.1.1.0/24, N}", "{to: 10.1.0.0/24, N}"], None),
    ],
)
def test_routes_that_loop_are_refused(routes: list[str], wrong: str | None) -> None:
    if wrong is None:
        parse(ring(*routes), "n")
    else:
        with pytest.raises(InvalidModel) as caught:
            parse(ring(*routes), "n")
        assert len(caught.value.problems) == 1
        assert wrong in caught.value.problems[0].message


def test_a_large_ring_is_checked_in_no_time() -> None:
    """Each of 100 routers knows the way to each other one's LAN, by the next one."""
    routes = ", ".join(f"{{to: 10.1.{number}.0/24, N}}" for number in range(100))
    others = [routes.replace(f"{{to: 10.1.{number}.0/24, N}}, ", "") for number in range(99)]
    start = process_time()
    parse(ring(*others, routes.replace(", {to: 10.1.99.0/24, N}", "")), "n")
    assert process_time() - start < 30
