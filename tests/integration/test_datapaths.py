"""What differs between the two datapaths (docs/datapaths.md), measured on the one that is there."""

import subprocess
import sys
import time
from collections.abc import Callable
from itertools import chain

import pytest
from scapy.all import IP, UDP, Packet

from mininet_topos.inside.nodes.switch import has_kernel_datapath
from mininet_topos.waiting import patience
from tests.integration.vpclab import VpcLab
from tests.scenario import SHIPPED
from tests.switch import wait_until

pytestmark = pytest.mark.lab
Labs = Callable[[str], VpcLab]

PEERED = (SHIPPED / "peered-vpcs.yaml").read_text()
PORT = 4711

_RECEIVE = """
import socket
end = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
end.bind(("", 4711))
print("ready", flush=True)
print(end.recv(100).decode(), end.recv(100).decode(), flush=True)
"""
_SEND = """
import socket, sys, time
end = socket.socket(type=socket.SOCK_DGRAM)
end.sendto(b"first", (sys.argv[1], 4711))
time.sleep(1)  # for the flow that the kernel gets by it
end.sendto(b"second", (sys.argv[1], 4711))
"""


def datagrams(packets: list[Packet]) -> list[Packet]:
    return [packet for packet in packets if UDP in packet and packet[UDP].dport == PORT]


def is_right(packet: Packet) -> bool:
    """Whether the checksum of a datagram is what it must be."""
    again = IP(bytes(packet[IP]))
    del again[UDP].chksum
    return bool(IP(bytes(again))[UDP].chksum == packet[UDP].chksum)


@pytest.mark.system("S24")
def test_checksums_of_instances(labs: Labs) -> None:
    """A capture on the kernel datapath shows wrong ones, as a veth leaves them to hardware that is not there."""
    lab = labs(PEERED)
    with lab.capture("host86", "blue1") as sent, lab.capture("green2") as arrived, lab.capture("blue2") as far:
        for target in ("green2", "blue2"):
            send_datagrams(lab, "blue1", target)
    places = {
        "sender's interface in its host": datagrams(sent)[1::2],
        "receiver on the same host": datagrams(arrived)[1:],
        "receiver on another host": datagrams(far)[1:],
    }
    rights = {place: [is_right(packet) for packet in packets] for place, packets in places.items()}
    # The first one went through ovs-vswitchd, and the kernel completes what it hands up.
    print(f"checksums of second datagrams that are right: {rights}")
    assert [len(packets) for packets in places.values()] == [2, 1, 1]
    if has_kernel_datapath():
        # Whether they are right behind a tunnel is the kernel's choice.
        assert not any(rights["sender's interface in its host"] + rights["receiver on the same host"])
    else:
        assert all(chain(*rights.values()))


def send_datagrams(lab: VpcLab, source: str, target: str) -> None:
    """Send two from an instance to another, where a program gets them."""
    with lab.start(target, sys.executable, "-c", _RECEIVE, stdout=subprocess.PIPE) as receiver:
        assert receiver.stdout is not None
        try:
            assert receiver.stdout.readline() == "ready\n"
            lab.run(source, sys.executable, "-c", _SEND, lab.address(target))
            assert receiver.communicate(timeout=patience(10))[0] == "first second\n"
        finally:
            receiver.kill()


def test_while_a_switch_is_away(labs: Labs) -> None:
    """Flows in use go on in the kernel; on the userspace datapath nothing passes."""
    lab = labs(PEERED)
    lab.allow("connection failed|Connection refused|connection dropped")
    with lab.pinging("blue1", "green1", 0.05) as pings:
        time.sleep(1)
        lab.lab.stop_switch("host86")
        try:
            since = time.time()
            time.sleep(3)
            until = time.time()
        finally:
            lab.lab.start_switch("host86")
        wait_until(lambda: lab.ping("blue1", "green1", 1).lost == 0, "the flows to come back", 20)
    meanwhile = [number for number, when in pings.answers.items() if since < when < until]
    print(f"{len(meanwhile)} answers in {until - since:.1f} s without ovs-vswitchd")
    if has_kernel_datapath():
        assert len(meanwhile) > 10
        assert meanwhile == list(range(meanwhile[0], meanwhile[-1] + 1))
    else:
        assert meanwhile == []
