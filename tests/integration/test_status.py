"""``ovs-vpc status`` and the metrics, of a real controller and real switches."""

import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import Ether

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
  b1: {vpc: blue, ips: [10.0.0.11], host: h1}
"""


@pytest.fixture(scope="module")
def network() -> Iterator[Network]:
    network = Network(["h1", "h2"])
    try:
        network.apply(TEXT)
        network.settle()
        network.plug("h1", "b1")
        wait_until(lambda: network.store.read_status()["hosts"]["h1"]["interfaces"], "the port")
        wait_until(lambda: network.store.read_status()["hosts"]["h1"]["settled"], "its flows")
        yield network
    finally:
        network.stop()


def run(network: Network, *options: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "controller", "status", "--state", str(network.directory / "state"), *options]
    return subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)


def report(network: Network) -> dict[str, Any]:
    return dict(json.loads(run(network, "--json").stdout))


def wrong(network: Network) -> list[str]:
    done = run(network, "--json")
    sentences = list(json.loads(done.stdout)["wrong"])
    assert done.returncode == (1 if sentences else 0)
    return sentences


def without_probes(sentences: list[str]) -> list[str]:
    """Dummy datapaths carry nothing from host to host, so no path is verified there."""
    return [sentence for sentence in sentences if "over the underlay since" not in sentence]


def test_all_is_well(network: Network) -> None:
    assert without_probes(wrong(network)) == []
    printed = run(network).stdout
    assert "generation 1 of the model, 2 hosts and switches" in printed
    assert printed.count("connected") == 4


def test_drift_is_told(network: Network) -> None:
    before = report(network)["hosts"]["h1"]["drift"]["count"]
    network.switches["h1"].ofctl("del-flows", "br-int", "table=60")
    wait_until(lambda: report(network)["hosts"]["h1"]["drift"]["count"] > before, "the drift")
    assert "repaired last" in run(network).stdout
    assert network.metrics()['ovs_vpc_drift_total{host="h1"}'] > before


def test_drops_are_told_in_words(network: Network) -> None:
    reason = "from an instance, neither IPv4 nor ARP"
    frame = bytes(Ether(src="02:00:00:00:00:09", dst="33:33:00:00:00:01") / IPv6(dst="ff02::1")).hex()
    for _ in range(12):
        network.switches["h1"].appctl("netdev-dummy/receive", "b1", frame)
    wait_until(lambda: report(network)["drops"].get(reason, 0) >= 12, "the drops", 25)
    assert f"{reason}: 12" in run(network).stdout
    assert (
        network.metrics()[f'ovs_vpc_dropped_packets_total{{host="h1",reason="{reason}",table="port_security"}}'] == 12
    )


def test_what_the_switch_refuses_is_told(network: Network) -> None:
    """Somebody limits the number of flows in a table: the contract leaves that to the host's owner."""
    switch = network.switches["h1"]
    (row,) = switch.vsctl("--bare", "--columns=_uuid", "find", "flow_table", "name=route_table").split()
    switch.vsctl("set", "flow_table", row, "flow_limit=2")
    more = "".join(f"  c{n}: {{vpc: blue, ips: [10.0.0.{100 + n}], host: h2}}\n" for n in range(5))
    try:
        network.apply(TEXT + more)
        wait_until(lambda: report(network)["hosts"]["h1"]["refused"]["count"], "the refusal")
        (sentence, *_) = [one for one in wrong(network) if "refused" in one]
        assert "h1: the switch refused" in sentence
        assert "OFPFMFC_TABLE_FULL" in sentence
        assert "refused last" in run(network).stdout
    finally:
        switch.vsctl("clear", "flow_table", row, "flow_limit")
        network.apply(TEXT)
    network.settle()
    wait_until(lambda: not without_probes(wrong(network)), "all to be well")


def test_what_is_wrong_ends_with_1(network: Network) -> None:
    switch = network.switches["h2"]
    switch.kill("ovs-vswitchd")
    wait_until(lambda: "h2: its switch is not connected" in wrong(network), "the switch to be missed")
    assert network.metrics()['ovs_vpc_host_switch_connected{host="h2"}'] == 0
    switch.start_vswitchd()
    wait_until(lambda: not without_probes(wrong(network)), "all to be well", 20)
    network.stop_controller()
    assert wrong(network)[0] == "no controller runs; the switches keep forwarding with the flows they have"
    network.start_controller()


def test_nothing_is_written_while_nothing_happens(network: Network) -> None:
    wait_until(lambda: not without_probes(wrong(network)), "all to be well", 20)
    last: object = None

    def is_quiet() -> bool:
        nonlocal last
        before, last = last, network.store.read_status()["written"]
        return bool(before == last)

    wait_until(is_quiet, "the last change", 20)
    subprocess.run(["sleep", "3"], check=True)
    assert is_quiet()
