"""Packets for the controller through a real ovs-vswitchd: how many of each port pass, what is answered and counted.

The controller is the real one, and the datapath has no network: frames come in by ``netdev-dummy/receive``.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from time import monotonic

import pytest
from scapy.layers.inet import ICMP, IP, UDP
from scapy.layers.l2 import Ether
from scapy.utils import rdpcap

from flows.model import GATEWAY_MAC
from flows.pipeline.limits import ICMP_ERRORS
from tests.control import Control
from tests.properties.controller_process import Network
from tests.switch import wait_until

MODEL = """
encapsulation: vxlan
hosts: {h1: {tunnel_ip: 192.0.2.1}}
vpcs: {v: {id: 1, subnets: {a: {cidr: 10.0.0.0/24}, b: {cidr: 10.0.1.0/24, gateway: 10.0.1.9}}}}
ports:
  p1: {vpc: v, ips: [10.0.0.11], mac: "0a:00:00:00:00:01", host: h1}
  p2: {vpc: v, ips: [10.0.1.12], mac: "0a:00:00:00:00:02", host: h1}
"""
MANY = 600


class Running:
    """A controller, a host with two ports, and what comes out of them."""

    def __init__(self, network: Network) -> None:
        self.network, self.switch = network, network.switches["h1"]
        network.apply(MODEL)
        network.settle()
        for number, port in enumerate(("p1", "p2"), start=1):
            network.plug("h1", port, ofport=number)
            self.switch.vsctl("set", "interface", port, f"options:tx_pcap={self._pcap(port)}")
        wait_until(lambda: self.meters() == 2, "the meters")
        network.settle()
        self.control = Control(self.switch.directory / "ovs-vswitchd.ctl")

    def _pcap(self, port: str) -> Path:
        return self.switch.directory / f"{port}.pcap"

    def meters(self) -> int:
        """How many the switch has."""
        return self.switch.ofctl("-OOpenFlow14", "dump-meters", "br-int").count("meter=")

    def send(self, port: str, frame: Ether) -> None:
        """A frame comes in by a port."""
        self.control.call("netdev-dummy/receive", port, bytes(frame).hex())

    def answers(self, port: str) -> list[IP]:
        """What went out of a port so far."""
        return [frame[IP] for frame in rdpcap(str(self._pcap(port))) if IP in frame]

    def dropped(self, number: int) -> int:
        """How many packets a meter has dropped."""
        stats = self.switch.ofctl("-OOpenFlow14", "meter-stats", "br-int", f"meter={number}")
        found = re.search(r"bands:\s*0: packet_count:(\d+)", stats)
        assert found, stats
        return int(found[1])


@pytest.fixture(scope="module")
def running() -> Iterator[Running]:
    network = Network(["h1"])
    try:
        yield Running(network)
    finally:
        network.stop()


def spent(port: str, to: str) -> Ether:
    """A frame of a port with a TTL of 1."""
    mac, address = {"p1": ("0a:00:00:00:00:01", "10.0.0.11"), "p2": ("0a:00:00:00:00:02", "10.0.1.12")}[port]
    return Ether(src=mac, dst=GATEWAY_MAC) / IP(src=address, dst=to, ttl=1) / UDP(dport=33434)


def test_a_port_has_its_limit_and_others_have_theirs(running: Running) -> None:
    start = monotonic()
    for _ in range(MANY):
        running.send("p1", spent("p1", "10.0.1.12"))
    running.send("p2", spent("p2", "10.0.0.11"))
    wait_until(lambda: running.answers("p2"), "the answer to the other port", 20)
    passed = monotonic() - start
    number = ICMP_ERRORS.of(1).number
    dropped = running.dropped(number)
    wait_until(lambda: len(running.answers("p1")) == MANY - dropped, "what passed the meter to be answered", 20)
    assert ICMP_ERRORS.burst <= MANY - dropped <= ICMP_ERRORS.burst + ICMP_ERRORS.rate * (passed + 1)
    assert running.dropped(ICMP_ERRORS.of(2).number) == 0
    for port, gateway in (("p1", "10.0.0.1"), ("p2", "10.0.1.9")):
        assert {(a.src, a[ICMP].type, a[ICMP].code) for a in running.answers(port)} == {(gateway, 11, 0)}

    def told() -> list[list[object]]:
        return list(running.network.status()["h1"]["packets"]["above_limit"])

    wait_until(lambda: told() == [["expired", "p1", dropped]], f"{told()} to be {dropped}", 30)
    handled = running.network.metrics()['ovs_vpc_packets_handled_total{handler="expired",host="h1"}']
    assert handled == MANY - dropped + 1


def test_a_meter_that_somebody_deletes_is_back_before_its_flows_are(running: Running) -> None:
    """A flow without its meter would let a flood pass: Open vSwitch takes the flows away with the meter."""
    running.switch.ofctl("-OOpenFlow14", "del-meter", "br-int", f"meter={ICMP_ERRORS.of(1).number}")
    wait_until(lambda: running.meters() == 2, "the meter", 20)
    running.network.settle()
    before = len(running.answers("p1"))

    def is_answered() -> bool:
        running.send("p1", spent("p1", "10.0.1.12"))
        return len(running.answers("p1")) > before

    wait_until(is_answered, "an answer", 20)
