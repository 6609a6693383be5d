"""After which changes a packet may still come by the old way, so that receivers must be ready before senders change."""

import pytest

from flows.compile.views import Views
from flows.inputs.facts import HostFacts, Interface
from flows.model import Network, parse
from tests.scenario import tags

HEAD = """
hosts: {h1: {tunnel_ip: 192.0.2.1}, h2: {tunnel_ip: 192.0.2.2}}
segments: {red: {id: 9, vlan: 9}}
vpcs: {a: {id: 1, subnets: {s: {cidr: 10.0.0.0/24}}}}
ports:
"""
HERE = "  one: {vpc: a, ips: [10.0.0.11], host: h1}\n"
THERE = "  one: {vpc: a, ips: [10.0.0.11], host: h2}\n"
RENUMBERED = "  one: {vpc: a, ips: [10.0.0.12], host: h1}\n"
MORE = "  two: {vpc: a, ips: [10.0.0.22], host: h2}\n"
SWITCHED = '  two: {segment: red, mac: "0a:00:00:00:00:22", host: h2}\n'
SUCCESSOR = "  two: {vpc: a, ips: [10.0.0.11], host: h2}\n"


def network(*ports: str) -> Network:
    return parse(HEAD + "".join(ports), "detours.yaml")[0]


def facts(*plugged: str) -> HostFacts:
    interfaces = (Interface(name, name, number, False) for number, name in enumerate(plugged, 1))
    return HostFacts(1, "netdev", 65000, frozenset(interfaces))


def observed(model: Network) -> Views:
    """The views of a model of which port one is on the first host."""
    views = Views()
    views.set_model(model, tags(model))
    views.set_facts("h1", facts("one"))
    views.set_facts("h2", facts())
    views.settle()
    return views


@pytest.mark.parametrize(
    ("ports", "expected"),
    [
        ((HERE, MORE), False),
        ((HERE, SWITCHED), True),
        ((THERE,), True),
        ((RENUMBERED,), True),
        ((SUCCESSOR,), True),
        ((), True),
    ],
)
def test_of_declared_ports_only_new_ones_lead_no_packet_astray(ports: tuple[str, ...], expected: bool) -> None:
    before = network(HERE)
    views = observed(before)
    after = network(*ports)
    same = {name: before.ports[name] for name in after.ports if after.ports[name] == before.ports.get(name)}
    views.set_model(before.with_ports({**after.ports, **same}), tags(after))
    assert views.has_detours is expected


def test_interfaces_that_come_and_go_do_not() -> None:
    model = network(HERE)
    views = observed(model)
    views.set_facts("h1", facts())
    assert not views.has_detours, "it left"
    views.set_facts("h2", facts("one"))
    assert not views.has_detours, "it came elsewhere"


def test_a_port_that_came_elsewhere_first_does_for_as_long_as_it_may_be_here_too() -> None:
    model = network(THERE)
    views = Views()
    views.set_model(model, tags(model))
    views.set_facts("h1", HostFacts(1, "netdev", 65000, frozenset([Interface("one", "one", 1, True)])))
    views.set_facts("h2", facts())
    views.settle()
    assert views.locations.hosts["one"] == "h1"
    views.set_facts("h2", facts("one"))
    assert views.locations.hosts["one"] == "h2"
    assert views.has_detours
    views.set_facts("h1", facts())
    assert not views.has_detours


def test_what_a_switch_holds_that_has_come_back_is_not_known() -> None:
    views = observed(network(HERE))
    views.unsettle()
    assert views.has_detours


def test_another_structure_does() -> None:
    before = network(HERE)
    views = observed(before)
    after = parse(HEAD.replace("segments: {red: {id: 9, vlan: 9}}", "") + HERE, "detours.yaml")[0]
    views.set_model(after, tags(after))
    assert views.has_detours
