"""A data centre with VLANs over redundant plain switches (S5)."""

import time
from collections.abc import Callable

import pytest
from scapy.all import Dot1Q, Ether, Raw

from controller.cli.lab.ping import ping_all, plugged
from mininet_topos.waiting import patience
from tests.integration.test_move import streaming
from tests.integration.test_routed_lans import LEFT, move
from tests.integration.vpclab import RATE, VpcLab
from tests.scenario import SHIPPED
from tests.switch import wait_until

pytestmark = pytest.mark.lab
Labs = Callable[[str], VpcLab]

VLANS = (SHIPPED / "vlan-data-centre.yaml").read_text()


@pytest.mark.system("S5")
def test_pairs_of_one_vlan_and_no_others(labs: Labs) -> None:
    lab = labs(VLANS)
    ports = plugged(lab.store, lab.network)
    pairs = ping_all(lab.lab, lab.network, ports, ports)
    assert [pair for pair in pairs if not pair.is_right] == []
    for pair in pairs:
        assert pair.answered == (pair.source[:3] == pair.target[:3]), pair


@pytest.mark.system("S5")
def test_broadcast_stays_in_its_vlan_and_is_tagged_between_switches(labs: Labs) -> None:
    lab = labs(VLANS)
    frame = Ether(src=lab.mac("red1", "eth0"), dst="ff:ff:ff:ff:ff:ff", type=0x88B6) / Raw(b"." * 46)
    ports = ("red2", "red3", "blue1", "blue2")
    open_links = {link for link, _ in lab.store.read_status()["open_links"]}
    assert len(open_links) == 4, "five switches, one way between any two"
    with (
        lab.capture("red2") as red2,
        lab.capture("red3") as red3,
        lab.capture("blue1") as blue1,
        lab.capture("blue2") as blue2,
        lab.capture("switch:access1", "access1.core1") as between,
    ):
        lab.send("red1", frame, times=5)
    seen = dict(zip(ports, (red2, red3, blue1, blue2), strict=True))
    found = {port: sum(packet.type == 0x88B6 for packet in packets) for port, packets in seen.items()}
    assert found == {"red2": 5, "red3": 5, "blue1": 0, "blue2": 0}
    tagged = [packet for packet in between if Dot1Q in packet and packet[Dot1Q].type == 0x88B6]
    assert {packet[Dot1Q].vlan for packet in tagged} == {101}
    assert not [packet for packet in red2 if Dot1Q in packet]


@pytest.mark.system("S5")
def test_instance_moves_inside_its_vlan_under_load(labs: Labs) -> None:
    lab = labs(VLANS)
    lab.allow(LEFT)
    before = lab.run("red1", "ip", "-o", "-4", "address", "show", "dev", "eth0"), lab.mac("red1", "eth0")
    with streaming(lab, "red2", "red1", 10) as stream, lab.pinging("red3", "red1", 0.002) as pings:
        for switch in ("access3", "access1"):
            time.sleep(1)
            move(lab, "red1", switch)
        moved = time.time()
        later = (mbits for second, mbits in stream if second > moved)
        # TCP starts slowly again after a pause.
        seconds = [next(later) for _ in range(int(patience(3)))]
    print(f"two moves: {pings.lost * 2} ms without answers ({pings.lost} of {pings.sent} pings, 2 ms apart)")
    assert seconds[-1] > 0, "the stream did not go on after the moves"
    assert pings.lost * 0.002 < 2 / RATE
    after = lab.run("red1", "ip", "-o", "-4", "address", "show", "dev", "eth0"), lab.mac("red1", "eth0")
    assert after == before
    assert lab.ping("red2", "red1").lost == 0


@pytest.mark.system("S5")
def test_silent_instance_is_found_after_its_move(labs: Labs) -> None:
    """It sends nothing by which switches could learn where it is now."""
    lab = labs(VLANS)
    lab.allow(LEFT)
    assert lab.ping("red2", "red1").lost == 0
    frame = Ether(src=lab.mac("red2", "eth0"), dst=lab.mac("red1", "eth0"), type=0x88B6) / Raw(b"." * 46)
    for switch in ("access3", "access1"):
        move(lab, "red1", switch)
        wait_until(lab.is_settled, "the switches to settle")
        with lab.capture("red1") as packets:
            lab.send("red2", frame, times=5)
        assert sum(packet.type == 0x88B6 for packet in packets) == 5


def live(lab: VpcLab, switch: str) -> set[str]:
    """The interfaces of a plain switch that are up, as the controller sees them."""
    return {name for name, _, is_live in lab.store.read_status()["switches"][switch]["plugs"] if is_live}


@pytest.mark.system("S5")
def test_core_switch_fails(labs: Labs) -> None:
    """Every access switch has another way into the core."""
    lab = labs(VLANS)
    lab.allow("Network is down")
    ends = [link.end("core1") for link in lab.network.links.values() if "core1" in link.between]
    with lab.pinging("red1", "red2", 0.002) as pings:
        time.sleep(0.5)
        for end in ends:
            lab.run("switch:core1", "ip", "link", "set", end, "down")
        time.sleep(1)
    print(f"core switch gone: {pings.lost * 2} ms without answers ({pings.lost} of {pings.sent} pings, 2 ms apart)")
    try:
        assert lab.ping("red1", "red3").lost == 0
        assert lab.ping("blue1", "blue2").lost == 0
    finally:
        for end in ends:
            lab.run("switch:core1", "ip", "link", "set", end, "up")
        wait_until(lambda: set(ends) <= live(lab, "core1"), "core1 to have its links again")
