"""Many connections of one instance with security groups, and what they cost others."""

import json
import re
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from tests.integration.vpclab import VpcLab
from tests.switch import wait_until

pytestmark = [pytest.mark.lab, pytest.mark.alone]
Labs = Callable[[str], VpcLab]

NETWORK = """
hosts:
  h1: {tunnel_ip: 192.0.2.1}
  h2: {tunnel_ip: 192.0.2.2}
vpcs:
  blue: {id: 1, subnets: {lan: {cidr: 10.0.0.0/16}}}
security_groups:
  client:
    vpc: blue
    in: []
  server:
    vpc: blue
    in:
      - {icmp: ping}
      - {from: client, tcp: 80}
ports:
  client1: {vpc: blue, ips: [10.0.1.11], host: h1, groups: [client]}
  client2: {vpc: blue, ips: [10.0.1.12], host: h1, groups: [client]}
  server1: {vpc: blue, ips: [10.0.2.11], host: h2, groups: [server]}
  server2: {vpc: blue, ips: [10.0.2.12], host: h2, groups: [server]}
"""
CONNECTIONS = 10_000
A_SECOND = 10_000
"""New connections that a port may have in a second, and as many at once after a pause (table commit)."""

_SERVE = """
import resource, selectors, socket
_, most = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
listening = socket.create_server(("", 80), backlog=4096)
waiting = selectors.DefaultSelector()
waiting.register(listening, selectors.EVENT_READ)
print("listens", flush=True)
while True:
    for key, _ in waiting.select():
        if key.fileobj is listening:
            waiting.register(listening.accept()[0], selectors.EVENT_READ)
        elif data := key.fileobj.recv(10):
            key.fileobj.send(data)
        else:
            waiting.unregister(key.fileobj)
            key.fileobj.close()
"""
_CONNECT = """
import json, resource, socket, sys, time
number = int(sys.argv[2])
_, most = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
began, connections, refused, answered = time.monotonic(), [], 0, 0
for at in range(number):
    try:
        connections.append(socket.create_connection((sys.argv[1], 80), 10))
    except OSError:
        refused += 1
took = time.monotonic() - began
for connection in connections:
    connection.send(b"?")
for connection in connections:
    try:
        answered += connection.recv(10) == b"?"
    except OSError:
        pass
print(json.dumps([refused, answered, took]), flush=True)
sys.stdin.readline()
"""
_FLOOD = """
import socket, struct, sys
source, target = (socket.inet_aton(address) for address in sys.argv[1:3])
out = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
def sum16(data):
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    total = (total >> 16) + (total & 0xFFFF)
    return ~(total + (total >> 16)) & 0xFFFF
address = (sys.argv[2], 0)
packets = []
for port in range(1024, 65536):
    tcp = struct.pack("!HHIIBBHHH", port, 80, port, 0, 0x50, 2, 1024, 0, 0)
    check = sum16(source + target + struct.pack("!HH", 6, 20) + tcp)
    tcp = tcp[:16] + struct.pack("!H", check) + tcp[18:]
    packets.append(struct.pack("!BBHHHBBH4s4s", 0x45, 0, 40, 0, 0, 64, 6, 0, source, target) + tcp)
print("floods", flush=True)
while True:
    for packet in packets:
        try:
            out.sendto(packet, address)
        except OSError:
            pass
"""


@pytest.fixture
def lab(labs: Labs) -> VpcLab:
    return labs(NETWORK)


@contextmanager
def server(lab: VpcLab, port: str) -> Iterator[None]:
    """A port serves while a block runs: it gives back what it gets."""
    with lab.start(port, "python3", "-c", _SERVE, stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "listens\n"
            yield
        finally:
            process.kill()


def zone(lab: VpcLab, host: str, port: str) -> int:
    """How many connections of a port connection tracking knows."""
    number = lab.run(host, "ovs-vsctl", "get", "interface", lab.lab.topology.ports[port].interface, "ofport").strip()
    return len(lab.run(host, "ovs-appctl", "dpctl/dump-conntrack", f"zone={number}").splitlines())


@contextmanager
def connections(lab: VpcLab, client: str, target: str, number: int) -> Iterator[tuple[int, int, float]]:
    """Open many connections: how many were refused and how many answered once all were open, and the seconds."""
    command = ("python3", "-c", _CONNECT, lab.address(target), str(number))
    with lab.start(client, *command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            refused, answered, seconds = json.loads(process.stdout.readline())
            yield refused, answered, seconds
        finally:
            process.kill()


def test_10000_connections_through_one_port(lab: VpcLab) -> None:
    """Open at once, all of them to one service: none is refused, each is answered, each is known at both ends."""
    with (
        server(lab, "server1"),
        connections(lab, "client1", "server1", CONNECTIONS) as (refused, answered, seconds),
    ):
        print(f"{CONNECTIONS} connections in {seconds:.1f} s, {refused} refused, {answered} answered")
        assert (refused, answered) == (0, CONNECTIONS)
        assert min(zone(lab, "h1", "client1"), zone(lab, "h2", "server1")) >= CONNECTIONS


def flooded(lab: VpcLab, what: str) -> None:
    """Let an instance flood another one while others on their hosts ping and connect; prints what that costs them."""
    began = time.monotonic()
    flood = ("python3", "-c", _FLOOD, lab.address("client1"), lab.address("server1"))
    with lab.start("client1", *flood, stdout=subprocess.PIPE) as process, server(lab, "server2"):
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "floods\n"
            before, since = received(lab, "server1"), time.monotonic()
            wait_until(lambda: received(lab, "server1") > before + 10_000, "the flood", 30)
            with (
                lab.pinging("client2", "server2", 0.01, at_least=100) as pings,
                connections(lab, "client2", "server2", 300) as (refused, answered, seconds),
            ):
                pass
            rate = (received(lab, "server1") - before) / (time.monotonic() - since)
            entries, most = zone(lab, "h1", "client1"), A_SECOND * (time.monotonic() - began + 1)
        finally:
            process.kill()
    print(f"{what}, {rate:.0f} packets a second arrive: {pings.lost} of {pings.sent} pings of others lost,")
    print(f"300 connections of others in {seconds:.2f} s, {refused} refused; {entries} of the flood's remembered")
    assert (refused, answered) == (0, 300)
    assert entries <= most


def received(lab: VpcLab, port: str) -> int:
    """How many packets a port has received."""
    return int(lab.run(port, "cat", "/sys/class/net/eth0/statistics/rx_packets"))


def test_a_syn_flood_of_one_port(lab: VpcLab) -> None:
    """One instance opens connections as fast as it can and finishes none. Others on its host connect as before.

    Two kinds of fault: it fills the host's connection table, and it takes the part of others in what is limited. What
    the packets alone cost on this machine tells the same flood between ports without groups.
    """
    flooded(lab, "SYN flood of a port with groups")
    assert zone(lab, "h1", "client1") > 1000
    lab.apply(re.sub(r"(client1|server1): (.*), groups: .*}", r"\1: \2}", NETWORK))
    flooded(lab, "without groups")
