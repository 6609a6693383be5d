"""A controller that starts removes nothing of what it only cannot see."""

import time
from collections.abc import Iterator

import pytest

from controller.reconcile.nodes.plain_switches import STARTUP
from tests.properties.controller_process import Network
from tests.switch import wait_until

TEXT = """
encapsulation: vxlan
hosts:
  h1: {tunnel_ip: 192.0.2.1}
  h2: {tunnel_ip: 192.0.2.2}
vpcs:
  blue: {id: 7, subnets: {web: {cidr: 10.0.0.0/24}}}
ports:
  b1: {vpc: blue, ips: [10.0.0.11]}
  b2: {vpc: blue, ips: [10.0.0.12]}
"""


@pytest.fixture
def network() -> Iterator[Network]:
    network = Network(["h1", "h2"])
    try:
        network.apply(TEXT)
        network.settle()
        network.plug("h1", "b1")
        network.plug("h2", "b2")
        wait_until(lambda: network.store.read_status()["ports"] == {"b1": "h1", "b2": "h2"}, "both ports")
        network.settle()
        yield network
    finally:
        network.stop()


def test_a_host_whose_database_does_not_answer_keeps_its_ports(network: Network) -> None:
    """Only the host's own claim told where its port is, and nobody can ask for it."""
    before = {host: network.flows(host) for host in ("h1", "h2")}
    network.stop_controller()
    # Out of the controller's reach alone: without its database ovs-vswitchd would not answer either.
    socket = network.switches["h2"].directory / "db.sock"
    hidden = socket.rename(socket.with_suffix(".hidden"))
    for _ in range(2):  # the second controller knows it from the first, which never heard of the host itself
        network.start_controller()
        wait_until(lambda: "h2: database: no answer" in network.log(), "the controller to go on", 2 * STARTUP)
        wait_until(lambda: network.status()["h1"]["settled"], "h1 to settle")
        time.sleep(1)
        assert {host: network.flows(host) for host in ("h1", "h2")} == before
        network.stop_controller()
        (network.directory / "log").write_text("")
    network.start_controller()
    hidden.rename(socket)
    wait_until(lambda: network.status()["h2"]["database"], "the database", 20)
    network.settle()
    assert {host: network.flows(host) for host in ("h1", "h2")} == before
