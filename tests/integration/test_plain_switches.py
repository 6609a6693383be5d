"""Plain switches as an ordinary LAN (S1): learning, ageing, rings, and what faults cost."""

import os
import re
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager

import pytest
from scapy.all import ARP, Ether, Packet, Raw

from controller.cli.lab.ping import ping_all, plugged
from tests.integration.vpclab import RATE, VpcLab
from tests.scenario import SHIPPED
from tests.switch import wait_until

pytestmark = pytest.mark.lab
Labs = Callable[[str], VpcLab]

LAN = (SHIPPED / "lan.yaml").read_text()
EVERYBODY = "ff:ff:ff:ff:ff:ff"
NOBODY = "02:00:00:00:be:ef"
TEST = 0x88B6
"""IEEE 802 local experimental EtherType 2: our own frames."""
CUT = "Network is down"
"""What Open vSwitch's userspace datapath says when a port of its goes down under it."""
RECONNECT = "connection (failed|dropped)|Connection refused|Connection reset"


def machine(lab: VpcLab, port: str) -> str:
    """The MAC address of a machine."""
    return lab.network.ports[port].mac_address


def frame(lab: VpcLab, sender: str, target: str, mark: bytes = b"one") -> Packet:
    """A frame of ours from a machine to a MAC address."""
    return Ether(src=machine(lab, sender), dst=target, type=TEST) / Raw(mark.ljust(46, b"."))


def ours(packets: Sequence[Packet]) -> list[Packet]:
    """The frames of ours among captured ones."""
    return [packet for packet in packets if packet.type == TEST]


@contextmanager
def captures(lab: VpcLab, *ports: str) -> Iterator[dict[str, list[Packet]]]:
    """Capture at several machines at once."""
    with ExitStack() as stack:
        yield {port: stack.enter_context(lab.capture(port)) for port in ports}


def carrying(lab: VpcLab) -> set[str]:
    """The links that carry frames."""
    return {link for link, _ in lab.store.read_status()["open_links"]}


@pytest.mark.system("S1")
def test_every_pair_of_the_lan(labs: Labs) -> None:
    lab = labs(LAN)
    ports = plugged(lab.store, lab.network)
    pairs = ping_all(lab.lab, lab.network, ports, ports)
    assert [pair for pair in pairs if not pair.answered] == []
    assert all(pair.expected.arrives for pair in pairs)
    assert len(pairs) == 12


@pytest.mark.system("S1")
def test_unicast_goes_only_where_it_was_learned(labs: Labs) -> None:
    lab = labs(LAN)
    # c first: its own probe of a would tell a where c is.
    for node in ("c", "a"):
        lab.run(node, "ip", "neigh", "flush", "dev", "eth0")
    with captures(lab, "b", "c", "d") as seen:
        assert lab.ping("a", "c").lost == 0
    requests = [packet for packet in seen["d"] if ARP in packet and packet[ARP].pdst == lab.address("c")]
    assert requests, "the ARP request is for everybody"
    assert [packet for packet in seen["c"] if "ICMP" in packet]
    assert not [packet for port in ("b", "d") for packet in seen[port] if "ICMP" in packet]
    # Each switch knows both machines, on the way between them.
    assert lab.learned("s1")[machine(lab, "a")] == "a"
    assert lab.learned("s2")[machine(lab, "c")] == "c"
    assert lab.learned("s1")[machine(lab, "c")] == "s1.s2"
    assert lab.learned("s2")[machine(lab, "a")] == "s2.s1"


@pytest.mark.system("S1")
def test_flooded_once_each_in_a_ring(labs: Labs) -> None:
    lab = labs(LAN)
    assert len(carrying(lab)) == 2, "one link of the ring carries nothing"
    with captures(lab, "a", "b", "c", "d") as seen:
        lab.send("a", frame(lab, "a", EVERYBODY), times=20)
        lab.send("a", frame(lab, "a", NOBODY), times=20)
    assert {port: len(ours(packets)) for port, packets in seen.items()} == {"a": 40, "b": 40, "c": 40, "d": 40}
    sent = [packet for packet in ours(seen["a"]) if packet.src == machine(lab, "a")]
    assert len(sent) == 40, "what a sees is what it sends itself, and none of it comes back"


def test_of_frames_between_switches_only_bpdus_pass(labs: Labs) -> None:
    """Our switches speak no spanning tree: those of others find a loop through ours by their own BPDUs only."""
    lab = labs(LAN)
    sender, *others = lab.network.switch_ports
    passed = ["01:80:c2:00:00:00", "01:00:0c:cc:cc:cd", "01:80:c2:00:00:21"]
    stopped = ["01:80:c2:00:00:01", "01:80:c2:00:00:02", "01:80:c2:00:00:0e", "01:00:0c:cc:cc:cc"]
    with captures(lab, *others) as got:
        for to in (*stopped, *passed):
            lab.send(sender, frame(lab, sender, to))
        lab.ping(sender, others[0], 1)
    assert {port: [packet.dst for packet in ours(packets)] for port, packets in got.items()} == dict.fromkeys(
        others, passed
    )


@pytest.mark.system("S1")
def test_silent_machine_is_forgotten(labs: Labs) -> None:
    lab = labs(LAN)
    lab.apply(LAN.replace("ageing: 300", "ageing: 4"))
    with captures(lab, "c", "d") as seen:
        lab.send("c", frame(lab, "c", machine(lab, "a")))
        lab.send("a", frame(lab, "a", machine(lab, "c")))
    # The first frame may have been flooded, the answer to it is not.
    answers = [[packet for packet in ours(seen[port]) if packet.src == machine(lab, "a")] for port in ("c", "d")]
    assert [len(packets) for packets in answers] == [1, 0]
    wait_until(lambda: machine(lab, "c") not in lab.learned("s1"), "s1 to forget c", 8)
    with captures(lab, "c", "d") as seen:
        lab.send("a", frame(lab, "a", machine(lab, "c")))
    assert (len(ours(seen["c"])), len(ours(seen["d"]))) == (1, 1)


@pytest.mark.system("S1")
def test_ring_heals(labs: Labs) -> None:
    """A link of the ring goes down and comes back while packets flow and broadcasts are sent."""
    lab = labs(LAN)
    lab.allow(CUT)
    assert "s1-s2" in carrying(lab)
    for state in ("down", "up"):
        with lab.pinging("a", "c", 0.002) as pings:
            time.sleep(0.5)
            lab.run("s1", "ip", "link", "set", "s1.s2", state)
            wait_until(lambda: ("s1-s2" in carrying(lab)) is (state == "up") and lab.is_settled(), "another tree", 5)  # noqa: B023
            time.sleep(0.5)
        print(f"link {state}: {pings.lost * 2} ms without answers ({pings.lost} of {pings.sent} pings, 2 ms apart)")
        assert pings.lost * 0.002 < 1 / RATE
    assert lab.ping("a", "d").lost == 0


def test_no_storm_while_the_tree_changes(labs: Labs) -> None:
    """Every broadcast is seen at most twice, whatever happens to the links meanwhile: nothing goes round."""
    lab = labs(LAN)
    lab.allow(CUT)
    with captures(lab, "b", "c", "d") as seen:
        for number in range(6):
            lab.run("s1", "ip", "link", "set", "s1.s2" if number % 4 < 2 else "s1.s3", "up" if number % 2 else "down")
            for burst in range(4):
                lab.send("a", frame(lab, "a", EVERYBODY, f"{number} {burst}".encode()), times=1)
            wait_until(lab.is_settled, "the switches")
    for port, packets in seen.items():
        copies = Counter(bytes(packet) for packet in ours(packets))
        print(f"{port}: {len(copies)} of 24 broadcasts came, at most {max(copies.values())} times")
        assert max(copies.values()) <= 2
        assert len(copies) > 12
    assert lab.ping("a", "c").lost == 0


def test_controller_killed(labs: Labs) -> None:
    lab = labs(LAN)
    first = lab.lab.controller_pid()
    assert first is not None
    lab.allow(RECONNECT)
    with lab.pinging("a", "c", 0.002) as pings:
        os.kill(first, signal.SIGKILL)
        wait_until(lambda: lab.lab.controller_pid() not in (None, first), "the controller to come back")
        started = time.time()
        wait_until(
            lambda: lab.store.read_status()["written"] > started and lab.is_settled(), "the switches to come back", 20
        )
        time.sleep(0.5)
    print(f"controller killed and restarted: {pings.lost} of {pings.sent} pings lost")
    assert pings.lost == 0


def test_switch_restarts(labs: Labs) -> None:
    lab = labs(LAN)
    lab.allow(RECONNECT)
    lab.lab.restart_switch("s2")
    wait_until(lab.is_settled, "s2 to come back", 20)
    assert lab.ping("a", "c").lost == 0
    assert lab.ping("c", "d").lost == 0


def test_flows_of_others_are_told_with_the_command_that_removes_them(labs: Labs) -> None:
    """The command names the switch's own bridge, however that is called."""
    lab = labs(LAN)
    assert lab.bridge("s2") == "s2"
    lab.run("s2", "ovs-ofctl", "-OOpenFlow14", "add-flow", "s2", "cookie=0x17,priority=1,tcp,actions=drop")
    found: list[str] = []

    def is_reported() -> bool:
        found[:] = lab.store.read_status()["switches"]["s2"]["problems"]
        return bool(found)

    wait_until(is_reported, "the report")
    (command,) = re.findall(r"'(ovs-ofctl del-flows s2 cookie=0x17/-1)'", found[0])
    lab.run("s2", *command.split(), "-OOpenFlow14")
    wait_until(lambda: not is_reported(), "all to be well")


def test_flows_of_ours_are_put_right(labs: Labs) -> None:
    lab = labs(LAN)
    lab.run("s2", "ovs-ofctl", "--protocols=OpenFlow14", "del-flows", "s2", "table=21")
    wait_until(lambda: "table=21" in lab.run("s2", "ovs-ofctl", "-OOpenFlow14", "dump-flows", "s2"), "table 21", 15)
    assert lab.ping("a", "c").lost == 0


def test_stranger_is_reported_once_and_left_alone(labs: Labs) -> None:
    lab = labs(LAN)
    datapath = lab.run("s1", "ovs-vsctl", "get", "Bridge", "s1", "datapath_type").strip()
    settings = (
        f"datapath_type={datapath}",
        "protocols=OpenFlow14",
        "other_config:datapath-id=00000000deadbeef",
        "fail_mode=secure",
    )
    lab.run("s1", "ovs-vsctl", "add-br", "stranger", "--", "set", "Bridge", "stranger", *settings)
    connected = ("ovs-vsctl", "get", "Controller", "stranger", "is_connected")
    try:
        for _ in range(2):
            lab.run("s1", "ovs-vsctl", "set-controller", "stranger", "tcp:169.254.0.1:6653")
            wait_until(lambda: "true" in lab.run("s1", *connected, check=False), "the stranger to connect", 15)
            lab.run("s1", "ovs-ofctl", "-OOpenFlow14", "add-flow", "stranger", "priority=7,actions=drop")
            time.sleep(0.3)
            assert "priority=7 actions=drop" in lab.run("s1", "ovs-ofctl", "-OOpenFlow14", "dump-flows", "stranger")
            lab.run("s1", "ovs-vsctl", "del-controller", "stranger")
        said = (lab.lab.path / "controller" / "controller.log").read_text().count("00000000deadbeef")
        assert said == 1
    finally:
        lab.run("s1", "ovs-vsctl", "del-br", "stranger")
