"""``ovs-vpc apply`` and what it says of hosts that do not do as they are told."""

import subprocess
import sys
from collections.abc import Iterator
from threading import Timer

import pytest

from flows.pipeline.page import ARP_PROXY
from tests.properties.controller_process import Network
from tests.scenario import ROOT
from tests.switch import wait_until

TEXT = """
encapsulation: vxlan
hosts: {h1: {tunnel_ip: 192.0.2.1}, h2: {tunnel_ip: 192.0.2.2}}
vpcs:
  blue: {id: 7, subnets: {web: {cidr: 10.0.0.0/24}}}
ports:
  a: {vpc: blue, ips: [10.0.0.11], host: h1}
  b: {vpc: blue, ips: [10.0.0.12], host: h2}
"""
MORE = TEXT + "  c: {vpc: blue, ips: [10.0.0.13], host: h1}\n"


@pytest.fixture(scope="module")
def running() -> Iterator[Network]:
    network = Network(["h1", "h2"])
    try:
        network.apply(TEXT)
        network.settle()
        network.plug("h1", "a")
        network.plug("h2", "b")
        wait_until(lambda: all(host["interfaces"] for host in network.status().values()), "the ports")
        yield network
    finally:
        network.stop()


@pytest.fixture
def network(running: Network) -> Iterator[Network]:
    running.apply(TEXT)
    running.settle()
    yield running
    running.settle()
    running.compare()


def apply(network: Network, text: str, seconds: float) -> tuple[int, str]:
    """The exit code of the command, and what it says."""
    file = network.directory / "network.yaml"
    file.write_text(text)
    command = [
        sys.executable,
        "-m",
        "controller",
        "apply",
        "--yes",
        str(file),
        "--state",
        str(network.directory / "state"),
    ]
    done = subprocess.run(
        [*command, "--wait", str(seconds)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        env={"COLUMNS": "200"},
    )
    return done.returncode, done.stdout + done.stderr


def test_all_confirm(network: Network) -> None:
    code, said = apply(network, MORE, 60)
    assert code == 0, said
    assert "is confirmed by every host" in said


def test_one_is_not_connected(network: Network) -> None:
    """It is named, and not waited for: else this command would run for an hour."""
    network.switches["h2"].kill("ovs-vswitchd")
    try:
        wait_until(lambda: not network.status()["h2"]["switch"], "the controller to notice")
        code, said = apply(network, MORE, 3600)
    finally:
        network.switches["h2"].start_vswitchd()
    assert code == 1
    assert "h2: its switch is not connected" in said
    assert "h1" not in said
    assert "not confirmed by h2" in said
    assert network.status()["h1"]["confirmed"] == network.status()["h1"]["wanted"]


def test_one_is_lost_for_a_moment(network: Network) -> None:
    """It was connected when the command began, so it is waited for, for as long as the user says."""
    switch = network.switches["h2"]
    switch.freeze("ovs-vswitchd")
    back = Timer(6, switch.thaw, ["ovs-vswitchd"])
    back.start()
    try:
        code, said = apply(network, MORE, 60)
    finally:
        back.join()
    assert code == 0, said


def test_one_refuses_a_flow(network: Network) -> None:
    """None of the change is done there, the other goes on, and it is tried again."""
    switch, before = network.switches["h2"], network.flows("h2")
    flows = switch.ofctl("dump-flows", "br-int", f"table={ARP_PROXY.number}").count("cookie=")
    table = _limit(network, f"flow_limit={flows}", "overflow_policy=refuse")
    try:
        code, said = apply(network, MORE, 5)
        assert code == 1
        assert "h2: the switch refused" in said
        assert "10.0.0.13" in said
        assert "port c (" in said
        assert "network.yaml:9)" in said
        assert network.flows("h2") == before
        assert network.status()["h1"]["confirmed"] == network.status()["h1"]["wanted"]
        refused = network.status()["h2"]["refused"]["count"]
        wait_until(lambda: network.status()["h2"]["refused"]["count"] > refused, "another try", 15)
    finally:
        switch.vsctl("clear", "Flow_Table", table, "flow_limit", "overflow_policy")
    network.settle()
    assert network.flows("h2") != before


def _limit(network: Network, *settings: str) -> str:
    """Limit a table of h2; its row."""
    switch = network.switches["h2"]
    table = switch.vsctl("--bare", "--columns=_uuid", "find", "Flow_Table", "name=arp_proxy").strip()
    switch.vsctl("set", "Flow_Table", table, *settings)
    return table
