"""A gateway tells the sender of a packet whose TTL is used up; a flood of such packets costs nobody else anything.

The controller answers, as traceroute needs it. The flood's figures are printed; what is asserted has wide bounds.
"""

import json
import re
import statistics
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Any

import pytest
from scapy.layers.inet import ICMP, IP, UDP
from scapy.layers.l2 import Ether
from scapy.packet import Packet, Raw

from flows.model import GATEWAY_MAC
from flows.pipeline.limits import ICMP_ERRORS
from tests.integration.vpclab import VpcLab
from tests.switch import wait_until

pytestmark = pytest.mark.lab
Labs = Callable[[str], VpcLab]

NETWORK = """\
encapsulation: vxlan
hosts:
  h1: {tunnel_ip: 192.168.50.1}
  h2: {tunnel_ip: 192.168.50.2}
vpcs:
  blue:
    id: 1
    subnets:
      web: {cidr: 10.0.1.0/24}
      db: {cidr: 10.0.2.0/24, gateway: 10.0.2.254}
  green:
    id: 2
    subnets:
      web: {cidr: 10.1.0.0/24, routes: [{to: 10.0.1.0/24, via: both}]}
ports:
  web1: {vpc: blue, ips: [10.0.1.11], host: h1}
  web2: {vpc: blue, ips: [10.0.1.12], host: h1}
  db1: {vpc: blue, ips: [10.0.2.11], host: h1}
  db2: {vpc: blue, ips: [10.0.2.12], host: h2}
  far: {vpc: green, ips: [10.1.0.11], host: h2}
peerings:
  both: {between: [blue/web, green/web]}
""".replace("web: {cidr: 10.0.1.0/24}", "web: {cidr: 10.0.1.0/24, routes: [{to: 10.1.0.0/24, via: both}]}")


def hops(lab: VpcLab, source: str, target: str, *options: str) -> list[list[str]]:
    """What traceroute shows: of each hop the addresses that answered."""
    command = ("traceroute", "-n", "-q", "2", "-w", "2", "-m", "4", *options, lab.address(target))
    lines = lab.run(source, *command).splitlines()[1:]
    return [sorted(set(re.findall(r"\d+\.\d+\.\d+\.\d+", line))) for line in lines]


@pytest.mark.parametrize("how", ["-U", "-I", "-T"])
@pytest.mark.parametrize(
    ("source", "target", "gateway"),
    [("web1", "db1", "10.0.1.1"), ("db2", "web1", "10.0.2.254"), ("web1", "far", "10.0.1.1")],
    ids=["one host", "two hosts", "a peer"],
)
def test_traceroute_shows_the_gateway(labs: Labs, source: str, target: str, gateway: str, how: str) -> None:
    """Without an answer the first hop was a row of stars, and nobody saw that there is a router."""
    lab = labs(NETWORK)
    assert hops(lab, source, target, how) == [[gateway], [lab.address(target)]]


def test_inside_a_subnet_there_is_no_hop(labs: Labs) -> None:
    lab = labs(NETWORK)
    assert hops(lab, "web1", "web2", "-I") == [[lab.address("web2")]]


def test_ping_and_mtr_tell_it(labs: Labs) -> None:
    lab = labs(NETWORK)
    told = lab.run("web1", "ping", "-n", "-c", "1", "-t", "1", lab.address("db2"), check=False)
    assert "From 10.0.1.1 icmp_seq=1 Time to live exceeded" in told
    report = json.loads(lab.run("web1", "mtr", "-n", "-j", "-c", "3", "-i", "0.2", lab.address("db2")))
    rows = [(hub["host"], hub["Loss%"]) for hub in report["report"]["hubs"]]
    assert rows == [("10.0.1.1", 0.0), (lab.address("db2"), 0.0)]


def frame(lab: VpcLab, source: str, target: str, payload: Packet, **ip: Any) -> Packet:
    """What a port's instance sends with a TTL of 1."""
    sender = lab.network.ports[source]
    header = IP(src=lab.address(source), dst=lab.address(target), ttl=1, **ip)
    return Ether(src=sender.mac_address, dst=GATEWAY_MAC) / header / payload


def test_errors_and_fragments_are_never_answered(labs: Labs) -> None:
    lab = labs(NETWORK)
    silent = [
        frame(lab, "web1", "db1", ICMP(type=11) / IP() / UDP()),
        frame(lab, "web1", "db1", ICMP(type=3, code=3) / IP() / UDP()),
        frame(lab, "web1", "db1", Raw(b"x" * 64), frag=9, proto=17),
        frame(lab, "web1", "db1", UDP(), len=65535),
    ]
    with lab.capture("web1") as packets:
        for each in silent:
            lab.send("web1", each)
        lab.send("web1", frame(lab, "web1", "db1", UDP(sport=7) / Raw(b"last")))
        assert lab.ping("web1", "10.0.1.1").lost == 0
        told = lab.run("web1", "ping", "-n", "-c", "1", "-t", "1", lab.address("db2"), check=False)
        assert "Time to live exceeded" in told
    errors = [
        packet for packet in packets if ICMP in packet and packet[ICMP].type == 11 and packet[IP].src == "10.0.1.1"
    ]
    assert bytes(errors[0][ICMP])[8 + 20 :][:2] == b"\x00\x07"
    assert len(errors) == 2, "the last of them, and ping's"


@dataclass(frozen=True)
class Times:
    """How long something took, again and again, in milliseconds."""

    all: tuple[float, ...]
    lost: int

    def __str__(self) -> str:
        of = f"{self.lost} lost of {len(self.all) + self.lost}"
        return f"median {statistics.median(self.all):.2f} ms, worst {max(self.all):.1f} ms, {of}"


def round_trips(lab: VpcLab, source: str, *options: str, number: int = 200) -> Times:
    """Pings of a port, each 10 ms."""
    command = ("ping", "-n", "-c", str(number), "-i", "0.01", "-W", "1", *options)
    output = lab.run(source, *command, check=False)
    found = tuple(float(time) for time in re.findall(r"time=([\d.]+) ms", output))
    return Times(found, number - len(found))


FLOOD = 6
"""Seconds of it: a little more than what is measured meanwhile takes."""
_ASK = Path(__file__).with_name("ask_gateway.py")


def answers(lab: VpcLab, source: str, target: str, number: int = 40) -> Times:
    """How long the gateway takes to tell a port that a TTL is used up."""
    told = json.loads(lab.run(source, sys.executable, str(_ASK), lab.address(target), str(number)))
    return Times(tuple(told["milliseconds"]), told["lost"])


def cpu(lab: VpcLab) -> float:
    """Seconds of processor time that the controller has taken."""
    pid = lab.lab.controller_pid()
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100


def test_a_flood_costs_others_nothing(labs: Labs) -> None:
    """10,000 packets a second of one instance, each of which the controller should answer.

    Without limits the answers to others wait for more than a second, and some are lost.
    """
    lab = labs(NETWORK)
    before = round_trips(lab, "web2", lab.address("db1")), answers(lab, "db1", "web1")
    sound = bytes(frame(lab, "web1", "db2", UDP(dport=33434) / Raw(b"x" * 32))).hex()
    flood = [sys.executable, str(Path(__file__).with_name("flood.py")), "eth0", sound, "10000", str(FLOOD)]
    started, used = monotonic(), cpu(lab)
    with lab.start("web1", *flood, stdout=subprocess.PIPE) as flooding:
        during = round_trips(lab, "web2", lab.address("db1")), answers(lab, "db1", "web1")
        out, _ = flooding.communicate()
    share = (cpu(lab) - used) / (monotonic() - started)
    sent = int(out)
    for what, quiet, loud in zip(
        ("ping of another instance", "answer to another instance"), before, during, strict=True
    ):
        print(f"flood of {sent / FLOOD:.0f}/s: {what}: {quiet} before; {loud} during")
    print(f"flood: the controller took {100 * share:.0f} % of a processor")
    assert sent > FLOOD * 2_000, "no flood"
    assert before[0].lost == during[0].lost == 0
    assert before[1].lost == during[1].lost == 0
    assert statistics.median(during[0].all) < 10 * statistics.median(before[0].all) + 5
    assert statistics.median(during[1].all) < 10 * statistics.median(before[1].all) + 20
    assert share < 0.5

    def counted() -> int:
        above = lab.store.read_status()["hosts"]["h1"]["packets"]["above_limit"]
        return sum(count for handler, port, count in above if (handler, port) == ("expired", "web1"))

    wait_until(lambda: counted() > sent / 2, "what was too much to be counted", 30)
    assert counted() <= sent - ICMP_ERRORS.burst
