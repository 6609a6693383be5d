"""What differs between the two datapaths (docs/datapaths.md), measured on the one that is there."""

import subprocess
import sys
import time
from collections.abc import Callable

import pytest
from scapy.all import IP, UDP, Packet

from mininet_topos.switch import has_kernel_datapath
from mininet_topos.waiting import patience
from tests.integration.vpclab import VpcLab, tunnelled
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
print(end.recv(100).decode(), flush=True)
"""
_SEND = "import socket, sys; socket.socket(type=socket.SOCK_DGRAM).sendto(b'hello', (sys.argv[1], 4711))"


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
    with (
        lab.capture("host86", "blue1") as sent,
        lab.capture("host86") as wire,
        lab.capture("blue2") as arrived,
        lab.start("blue2", sys.executable, "-c", _RECEIVE, stdout=subprocess.PIPE) as receiver,
    ):
        assert receiver.stdout is not None
        assert receiver.stdout.readline() == "ready\n"
        try:
            lab.run("blue1", sys.executable, "-c", _SEND, lab.address("blue2"))
            assert receiver.communicate(timeout=patience(10))[0] == "hello\n"
        finally:
            receiver.kill()
    places = {
        "sender's interface in its host": datagrams(sent),
        "between the hosts": datagrams([packet.inner for packet in tunnelled(wire)]),
        "receiving instance": datagrams(arrived),
    }
    print({place: [is_right(packet) for packet in packets] for place, packets in places.items()})
    for place, packets in places.items():
        assert [is_right(packet) for packet in packets] == [not has_kernel_datapath()], place


def test_while_a_switch_is_away(labs: Labs) -> None:
    """Flows in use go on in the kernel; on the userspace datapath nothing passes."""
    lab = labs(PEERED)
    lab.allow("connection failed|Connection refused|connection dropped|recirc_id . left allocated")
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
