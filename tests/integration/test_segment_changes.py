"""A segment changes while frames flow: moves, faults, and nothing of what was learned outlives its reason (S13)."""

import os
import signal
import time
from collections.abc import Callable, Iterator

import pytest
from scapy.all import IP, Ether
from scapy.layers.l2 import GRE

from controller.cli.common.waiting import wait_plugged
from tests.integration.faults import wait_for_switches
from tests.integration.frames import BROADCAST, Frames, frame, frames
from tests.integration.learned import entry, learned
from tests.integration.test_move import LEFT, move
from tests.integration.vpclab import RATE, VpcLab
from tests.switch import wait_until

pytestmark = [pytest.mark.lab, pytest.mark.system("S13")]
Labs = Callable[[str], VpcLab]

TWO = """
encapsulation: gre
hosts:
  h1: {tunnel_ip: 192.168.50.1}
  h2: {tunnel_ip: 192.168.50.2}
  h3: {tunnel_ip: 192.168.50.3}
segments:
  red: {id: 1}
  black: {id: 2}
ports:
  r1: {segment: red, host: h1, ip: 10.0.0.11/24}
  r1b: {segment: red, host: h1, ip: 10.0.0.21/24}
  r2: {segment: red, host: h2, ip: 10.0.0.12/24, mac: "0a:00:00:00:00:12"}
  b1: {segment: black, host: h1, ip: 10.0.0.11/24}
  b1b: {segment: black, host: h1, ip: 10.0.0.21/24}
  b2: {segment: black, host: h2, ip: 10.0.0.12/24}
  b3: {segment: black, host: h3, ip: 10.0.0.13/24}
"""
GREEN = TWO.replace("red: {id: 1}", "green: {id: 1}").replace("segment: red", "segment: green").replace("  r", "  g")
"""Another tenant in the place of red: with its tunnel id, on its hosts, and so with its local VLANs."""
WITHOUT_H3 = "\n".join(line for line in TWO.splitlines() if "h3" not in line)
WITHOUT_B3 = "\n".join(line for line in TWO.splitlines() if "b3" not in line)
HOSTS = ["h1", "h2", "h3"]
FIRST, SECOND, MOVED = "02:00:5e:00:02:01", "02:00:5e:00:02:02", "02:00:5e:00:02:03"
MAC, ELSEWHERE = "02:00:5e:00:03:01", "02:00:5e:00:03:02"
GONE, LAST = "02:00:5e:00:04:01", "02:00:5e:00:04:02"


@pytest.fixture
def lab(labs: Labs) -> VpcLab:
    return labs(TWO)


@pytest.fixture
def watch(lab: VpcLab) -> Iterator[Frames]:
    with frames(lab, *lab.network.ports, *HOSTS) as frames_of_all:
        yield frames_of_all


def known(lab: VpcLab, *macs: str) -> set[tuple[str, str]]:
    """Which of some MAC addresses is known where."""
    return {(host, one.mac) for host in HOSTS for one in learned(lab, host) if one.mac in macs}


def test_controller_killed_while_frames_flow(lab: VpcLab, watch: Frames) -> None:
    first = lab.lab.controller_pid()
    assert first is not None
    watch.check("b2", BROADCAST, {"h1": 2, "h3": 2, "b1": (), "b1b": (), "b3": ()}, source=FIRST)
    lab.allow("connection (failed|dropped) .Connection refused")
    with lab.pinging("b1", "b3", at_least=1100 * RATE) as result:
        time.sleep(1)
        os.kill(first, signal.SIGKILL)
        # Learning needs no controller.
        watch.check("b3", BROADCAST, {"h1": 2, "h2": 2, "b1": (), "b1b": (), "b2": ()}, source=SECOND)
        watch.check("b1", SECOND, {"h3": 2, "b3": ()})
        wait_until(lambda: lab.lab.controller_pid() not in (None, first), "the controller to come back", 20)
        wait_for_switches(lab)
        time.sleep(2)
    print(f"controller killed and restarted: {result.lost} of {result.sent} packets lost")
    assert result.sent > 1000 * RATE
    assert result.lost == 0
    # What the switches had learned is theirs still.
    assert known(lab, FIRST, SECOND) >= {("h1", FIRST), ("h3", FIRST), ("h1", SECOND), ("h2", SECOND)}


def test_live_move_with_a_declared_mac(lab: VpcLab) -> None:
    """The model says where it is, so that nothing has to be learned."""
    with lab.pinging("r1", "r2", 0.01) as result:
        for host in ("h3", "h2"):
            time.sleep(1)
            move(lab, "r2", host)
            wait_until(lambda: lab.ping("r1b", "r2", 1).lost == 0, "an answer from the new place", 20)
    print(f"two moves: {result.lost} of {result.sent} pings lost, 10 ms apart")
    assert result.received > 50 * RATE
    assert lab.ping("r1", "r2").lost == 0


def test_live_move_of_an_instance_that_speaks(lab: VpcLab) -> None:
    """Its own frames tell where it is now. (The kernel takes up to a second to see that its cable is in again.)"""
    with lab.pinging("b3", "b1", 0.01) as result:
        for host in ("h2", "h3"):
            time.sleep(1)
            move(lab, "b3", host)
            wait_until(lambda: lab.ping("b2", "b3", 1).lost == 0, "an answer from the new place", 20)
            wait_until(lambda: lab.ping("b1", "b3", 1).lost == 0, "an answer from the new place", 20)
    print(f"two moves: {result.lost} of {result.sent} pings lost, 10 ms apart")
    assert result.received > 50 * RATE


def test_a_segment_is_replaced_by_another(lab: VpcLab) -> None:
    with frames(lab, *lab.network.ports, *HOSTS) as watch:
        watch.check("r2", BROADCAST, {"h1": 1, "r1": (), "r1b": ()}, source=MAC)
        watch.check("r1b", BROADCAST, {"h2": 1, "r1": (), "r2": ()}, source=ELSEWHERE)
        watch.check("r1", MAC, {"h2": 1, "r2": ()})
    assert len(known(lab, MAC, ELSEWHERE)) == 4
    lab.allow(LEFT)
    try:
        lab.lab.follow(GREEN)
        lab.apply(GREEN)
        assert wait_plugged(lab.store, lab.network.ports, 20)
        assert known(lab, MAC, ELSEWHERE) == set()
        with frames(lab, *lab.network.ports, *HOSTS) as watch:
            watch.check("g1", MAC, {"h2": 1, "g1b": (), "g2": ()})
            watch.check("g1", ELSEWHERE, {"h2": 1, "g1b": (), "g2": ()})
    finally:
        lab.lab.follow(TWO)
        lab.apply(TWO)
        assert wait_plugged(lab.store, lab.network.ports, 20)


def test_a_port_number_passes_to_another_tenant(lab: VpcLab, watch: Frames) -> None:
    watch.check("r1b", BROADCAST, {"h2": 1, "r1": (), "r2": ()}, source=MOVED)
    watch.check("r1", MOVED, {"r1b": ()})
    swap(lab, "r1b", "b1b")
    try:
        # h1 has forgotten it and floods to all of red; to h2 it is still one of h1's.
        watch.check("r1", MOVED, {"h2": 1, "r1b": ()})
        watch.check("r2", MOVED, {"h1": 1, "r1": (), "r1b": ()})
        watch.check("b1b", BROADCAST, {"h2": 2, "h3": 2, "b1": (), "b2": (), "b3": ()})
        watch.check("r1b", BROADCAST, {"h2": 1, "r1": (), "r2": ()}, source=MOVED)
        watch.check("r1", MOVED, {"r1b": ()})
        watch.check("r2", MOVED, {"h1": 1, "r1b": ()})
    finally:
        swap(lab, "r1b", "b1b")


def swap(lab: VpcLab, one: str, other: str) -> None:
    """Let two ports of h1 have each other's OpenFlow port number, in one step."""
    numbers = {port: ofport(lab, port) for port in (one, other)}
    requests = (("--", "set", "Interface", a, f"ofport_request={numbers[b]}") for a, b in ((one, other), (other, one)))
    lab.run("h1", "ovs-vsctl", *(word for request in requests for word in request))
    assert (ofport(lab, one), ofport(lab, other)) == (numbers[other], numbers[one])

    def seen() -> object:
        h1 = lab.store.read_status()["hosts"]["h1"]
        now = {row[0]: row[2] for row in h1["interfaces"]}
        return h1["settled"] and now.items() >= {one: numbers[other], other: numbers[one]}.items()

    wait_until(seen, "the controller to see the new numbers", 20)


def ofport(lab: VpcLab, port: str) -> int:
    return int(lab.run("h1", "ovs-vsctl", "get", "Interface", port, "ofport"))


@pytest.mark.parametrize("smaller", [WITHOUT_H3, WITHOUT_B3], ids=["host", "last member"])
def test_a_host_is_removed(lab: VpcLab, smaller: str) -> None:
    """A host that is gone, or that has no member of the segment any more, is sent nothing."""
    with frames(lab, *lab.network.ports, *HOSTS) as watch:
        watch.check("b3", BROADCAST, {"h1": 2, "h2": 2, "b1": (), "b1b": (), "b2": ()}, source=GONE)
        watch.check("b1", GONE, {"h3": 2, "b3": ()})
        watch.check("b2", BROADCAST, {"h1": 2, "h3": 2, "b1": (), "b1b": (), "b3": ()}, source=LAST)
    lab.apply(smaller)
    assert known(lab, GONE, LAST) - {("h3", GONE), ("h3", LAST)} == {("h1", LAST), ("h2", LAST)}
    with frames(lab, "r1", "r1b", "r2", "b1", "b1b", "b2", *HOSTS) as watch:
        watch.check("b1", GONE, {"h2": 2, "b1b": (), "b2": ()})
        watch.check("b1", LAST, {"h2": 2, "b2": ()})


def test_forged_tunnel_packets(lab: VpcLab, watch: Frames) -> None:
    """From a host without a member of the segment, and under a tunnel id of nobody, nothing is accepted."""
    outer = Ether(src=lab.mac("h3"), dst=lab.mac("h1")) / IP(src="192.168.50.3", dst="192.168.50.1")
    for number, key in ((0xF0000001, 1), (0xF0000002, 3), (0xF0000003, 2)):
        inner = frame(number, MAC, BROADCAST, ())
        watch.send_bytes("h3", bytes(outer / GRE(key_present=1, key=key, proto=0x6558) / inner))
    # The last one is as h3 may send it, so that the others would have come before it.
    watch.wait(0xF0000003, "h1", "b1", "b1b")
    assert watch.receivers(0xF0000001) == watch.receivers(0xF0000002) == {"h1"}
    assert watch.receivers(0xF0000003) == {"h1", "b1", "b1b"}
    found = entry(lab, "h1", MAC)
    assert found is not None
    assert "load:0x2->NXM_NX_TUN_ID[]" in found.actions
