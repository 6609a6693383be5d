"""A host leaves the model. The kind of fault: it is said to be done what could not be done.

What is said of the switch is what happened to it: cleared when it was connected, else that it keeps what it has.
"""

from collections.abc import Iterator

import pytest

from tests.properties.controller_process import Network
from tests.switch import wait_until

pytestmark = pytest.mark.lab

HOSTS = {"h1": "192.0.2.1", "h2": "192.0.2.2", "h3": "192.0.2.3"}


def text(*hosts: str) -> str:
    declared = ", ".join(f"{name}: {{tunnel_ip: {HOSTS[name]}}}" for name in hosts)
    vpcs = "vpcs:\n  blue: {id: 7, subnets: {web: {cidr: 10.0.0.0/24}}}\n"
    return f"hosts: {{{declared}}}\n{vpcs}ports:\n  a: {{vpc: blue, ips: [10.0.0.11], host: h1}}\n"


@pytest.fixture
def network() -> Iterator[Network]:
    network = Network(HOSTS)
    try:
        network.apply(text(*HOSTS))
        network.settle()
        yield network
    finally:
        network.stop()


def test_what_is_said_of_a_host_that_leaves(network: Network) -> None:
    network.switches["h3"].freeze("ovs-vswitchd")
    try:
        wait_until(lambda: not network.status()["h3"]["switch"], "the controller to notice", 20)
        network.apply(text("h1"))
        wait_until(lambda: "h3: model: it left" in network.log(), "h3 to leave", 20)
    finally:
        network.switches["h3"].thaw("ovs-vswitchd")
    assert "h2: model: it left; its switch is cleared" in network.log()
    assert "h3: model: it left while its switch was not connected: the switch keeps its flows" in network.log()
    wait_until(lambda: not network.flows("h2"), "h2 to hold nothing of ours")
    assert network.flows("h3"), "it was not told to forget them"
