"""Where a port is: what is declared, what is plugged in, and who was first."""

from collections.abc import Set
from typing import NoReturn

import pytest

from flows.inputs.facts import HostFacts, Interface
from flows.inputs.locate import Locator, locate, places
from flows.model import parse

TEXT = """
hosts: {{a: {{tunnel_ip: 192.0.2.1}}, b: {{tunnel_ip: 192.0.2.2}}, c: {{tunnel_ip: 192.0.2.3}}}}
vpcs: {{v: {{id: 1, subnets: {{s: {{cidr: 10.0.0.0/24}}}}}}}}
ports: {{p: {{vpc: v, ips: [10.0.0.2]{host}}}}}
"""


def facts(*claims: tuple[str, bool]) -> dict[str, HostFacts]:
    """Hosts that have an interface for the port, each with whether it had the port before."""
    return {host: HostFacts(1, "netdev", 65000, frozenset({Interface("p", "p", 1, bound)})) for host, bound in claims}


@pytest.mark.parametrize(
    ("declared", "claims", "place", "refused"),
    [
        (None, [], None, set()),
        (None, [("b", False)], "b", set()),
        (None, [("a", False), ("b", True)], "b", {"a"}),
        (None, [("b", False), ("c", False)], "b", {"c"}),
        ("a", [], "a", set()),
        ("a", [("a", False)], "a", set()),
        ("a", [("a", False), ("b", True)], "a", {"b"}),
        ("a", [("b", True)], "b", set()),
        ("a", [("b", False)], "a", {"b"}),
        ("a", [("b", False), ("c", True)], "c", {"b"}),
    ],
)
def test_place(declared: str | None, claims: list[tuple[str, bool]], place: str | None, refused: set[str]) -> None:
    network, _ = parse(TEXT.format(host=f", host: {declared}" if declared else ""), "n.yaml")
    located = locate(network, facts(*claims))
    assert located.hosts.get("p") == place
    assert located.refused == ({"p": refused} if refused else {})


@pytest.mark.parametrize(
    ("claims", "at", "refused"),
    [
        ([], ("a", "b"), set()),
        ([("a", True)], ("a", "b"), set()),
        ([("a", True), ("b", False)], ("a", "b"), set()),
        ([("a", False), ("b", True)], ("a", "b"), set()),
        ([("b", False)], ("b",), set()),
        ([("b", True)], ("b",), set()),
        ([("a", True), ("b", False), ("c", False)], ("a", "b"), {"c"}),
        ([("c", True)], ("c", "b"), set()),
        ([("b", False), ("c", False)], ("b",), {"c"}),
    ],
)
def test_places_of_an_announced_port(claims: list[tuple[str, bool]], at: tuple[str, ...], refused: set[str]) -> None:
    network, _ = parse(TEXT.format(host=", host: a, moving_to: b"), "n.yaml")
    nothing = {host: HostFacts(1, "netdev", 65000, frozenset()) for host in network.hosts}
    located = locate(network, {**nothing, **facts(*claims)})
    assert places(network.host_ports["p"], located.hosts.get("p")) == at
    assert located.refused == ({"p": refused} if refused else {})


def test_a_host_that_was_not_heard_of_may_still_have_what_is_announced_to_leave_it() -> None:
    network, _ = parse(TEXT.format(host=", host: a, moving_to: b"), "n.yaml")
    located = locate(network, facts(("b", False)))
    assert places(network.host_ports["p"], located.hosts.get("p")) == ("a", "b")


def test_claims_of_strangers_count_for_nothing() -> None:
    network, _ = parse(TEXT.format(host=""), "n.yaml")
    assert locate(network, facts(("z", True))).hosts == {}


def test_an_announced_move_leads_to_another_host() -> None:
    """A port that is declared on a host, and still on another one, may be announced to move to the first."""
    text = "hosts: {h1: {tunnel_ip: 192.0.2.1}, h2: {tunnel_ip: 192.0.2.2}}\nsegments: {red: {id: 1}}\n"
    port = parse(text + "ports: {a: {segment: red, host: h2}}", "n")[0].ports["a"]
    for place, host in (("h2", "h1"), ("h1", "h2")):
        announced = port.announced(place, at="h1")
        assert (announced.host, announced.moving_to) == (host, place)


class Unwalked(dict[str, Set[str]]):
    """Entries are found by their key; nobody goes over all of them."""

    def _walk(self) -> NoReturn:
        raise AssertionError("all refused claims were gone over for one event")

    __iter__ = keys = values = items = copy = _walk


def test_thousands_of_refused_claims_cost_an_event_nothing() -> None:
    """Kind of fault: work at each event that grows with all there is. A cloned host claims every port of another."""
    network, _ = parse(TEXT.format(host=""), "n.yaml")
    port = network.host_ports["p"]
    locator = Locator()
    names = [f"p{number}" for number in range(3000)]
    for name in names:
        locator.declare(name, port)
        locator.claim(name, "a", Interface("x", name, 1, False))
    assert locator.take_refused() == set()
    for name in names:
        locator.claim(name, "b", Interface("x", name, 1, False))
    assert locator.take_refused() == {(name, "b") for name in names}
    locator._refused = Unwalked(locator._refused)
    locator.claim("p7", "c", Interface("x", "p7", 1, False))
    locator.claim("p8", "b", None)
    locator.claim("p9", "c", Interface("x", "p9", 1, False))
    locator.claim("p9", "c", None)
    assert locator.take_refused() == {("p7", "c")}
    assert locator.take_refused() == set()
    assert (len(locator.locations.refused), locator.locations.refused["p7"]) == (2999, {"b", "c"})
