"""ARP ends in the host: answered for who exists, silent for who does not, useless for spoofing."""

from collections.abc import Callable

import pytest
from scapy.all import ARP, ICMP, IP, Ether

from flows.model import GATEWAY_MAC
from mininet_topos.waiting import patience
from tests.integration.vpclab import VpcLab, tunnelled
from tests.scenario import SHIPPED

pytestmark = pytest.mark.lab
Labs = Callable[[str], VpcLab]

PEERED = (SHIPPED / "peered-vpcs.yaml").read_text()
ONE, OTHER = 0xBEEE, 0xBEEF
"""Identifiers of pings that no process has for its number."""


def arping(lab: VpcLab, port: str, *arguments: str) -> str:
    """What arping says; it fails when nobody answers, which is for the caller to judge."""
    return lab.run(port, "arping", "-I", "eth0", "-w", f"{patience(1):g}", *arguments, check=False)


def test_no_request_leaves_the_host(labs: Labs) -> None:
    lab = labs(PEERED)
    lab.run("blue1", "ip", "neigh", "flush", "all")
    with lab.capture("host86") as nic, lab.capture("host86", interface="br-phy") as bridge:
        assert "Received 1" in arping(lab, "blue1", "-c", "1", lab.address("blue2"))
        assert lab.ping("blue1", "blue2").lost == 0
        assert lab.ping("blue1", "green1").lost == 0
    inside = tunnelled([*nic, *bridge])
    assert inside
    assert not [t for t in inside if ARP in t.inner]


@pytest.mark.parametrize("target", ["10.0.1.1", "10.0.1.142", "172.16.0.47"], ids=["gateway", "own VPC", "peer"])
def test_the_instance_sees_the_gateways_mac(labs: Labs, target: str) -> None:
    lab = labs(PEERED)
    assert f"[{GATEWAY_MAC.upper()}]" in arping(lab, "blue1", "-c", "1", target).upper()


def test_neighbours_of_the_kernel(labs: Labs) -> None:
    lab = labs(PEERED)
    lab.ping("blue1", "blue2", 1)
    assert f"lladdr {GATEWAY_MAC}" in lab.run("blue1", "ip", "neigh", "show", lab.address("blue2"))


def test_duplicate_address_detection_succeeds(labs: Labs) -> None:
    lab = labs(PEERED)
    own = lab.lab.run("blue1", ["arping", "-D", "-I", "eth0", "-c", "2", "-w", "2", lab.address("blue1")])
    assert own.returncode == 0, "somebody answered for the instance's own address"
    taken = lab.lab.run("blue1", ["arping", "-D", "-I", "eth0", "-c", "2", "-w", "2", lab.address("blue2")])
    assert taken.returncode == 1, "an address that another instance has was not reported as taken"


def test_address_of_nobody_gets_no_answer(labs: Labs) -> None:
    lab = labs(PEERED)
    before = lab.dropped("host86", "ARP for an address that nobody has")
    assert "Received 0" in arping(lab, "blue1", "-c", "2", "10.0.1.77")
    assert lab.dropped("host86", "ARP for an address that nobody has") >= before + 1


def test_announcement_gets_no_answer(labs: Labs) -> None:
    lab = labs(PEERED)
    own = lab.address("blue1")
    assert "Received 0" in arping(lab, "blue1", "-U", "-c", "2", own)


def test_gateway_answers_ping_of_any_size_that_fits(labs: Labs) -> None:
    lab = labs(PEERED)
    assert lab.ping("blue1", "10.0.1.1", 10).lost == 0
    full = lab.network.instance_mtu - 28
    assert " 0% packet loss" in lab.run(
        "blue1", "ping", "-c", "2", "-i", "0.1", "-M", "do", "-s", str(full), "10.0.1.1"
    )


@pytest.mark.parametrize("tag", ["8100a000", "81000000", "88a8e000"])
def test_a_priority_tag_is_as_good_as_none(labs: Labs, tag: str) -> None:
    """Some instances tag everything with VLAN 0 and a priority (IEEE 802.1Q, 6.9)."""
    lab = labs(PEERED)
    port, gateway = lab.network.ports["blue1"], "10.0.1.1"
    ask = Ether(src=port.mac_address, dst="ff:ff:ff:ff:ff:ff") / ARP(
        hwsrc=port.mac_address, psrc=lab.address("blue1"), pdst=gateway
    )
    to_blue2 = Ether(src=port.mac_address, dst=GATEWAY_MAC) / IP(src=lab.address("blue1"), dst=lab.address("blue2"))
    with lab.capture("blue1") as answers, lab.capture("blue2") as seen:
        lab.send("blue1", _tagged(ask, tag), times=2)
        lab.send("blue1", _tagged(to_blue2 / ICMP(id=ONE), tag), times=2)
        lab.send("blue1", _tagged(to_blue2 / ICMP(id=OTHER), tag + "81000005"))  # what is inside is no IPv4
        assert lab.ping("blue1", "blue2", 1).lost == 0
    told = [each for each in answers if ARP in each and each[ARP].op == 2 and each[ARP].psrc == gateway]
    assert [each[ARP].hwsrc for each in told] == [GATEWAY_MAC] * 2
    asked = [each[ICMP].id for each in seen if ICMP in each and each[ICMP].type == 8]
    assert asked.count(ONE) == 2
    assert asked.count(OTHER) == 0


def _tagged(frame: Ether, tags: str) -> Ether:
    return Ether(bytes(frame)[:12] + bytes.fromhex(tags) + bytes(frame)[12:])


def spoofed(lab: VpcLab, what: str) -> Ether:
    """A frame that blue1 may not send: to blue2, who would see it if it passed."""
    port = lab.network.ports["blue1"]
    own, target = lab.address("blue1"), lab.address("blue2")
    match what:
        case "MAC":
            return Ether(src="02:aa:00:00:00:01", dst=GATEWAY_MAC) / IP(src=own, dst=target) / ICMP()
        case "IP":
            return Ether(src=port.mac, dst=GATEWAY_MAC) / IP(src="10.0.1.200", dst=target) / ICMP()
        case "peer's IP":
            return Ether(src=port.mac, dst=GATEWAY_MAC) / IP(src="172.16.0.47", dst=target) / ICMP()
        case "VLAN":
            frame = Ether(src=port.mac, dst=GATEWAY_MAC) / IP(src=own, dst=target) / ICMP()
            return _tagged(frame, "81000005")
        case _:
            return Ether(src=port.mac, dst="ff:ff:ff:ff:ff:ff") / IP(src=own, dst="10.0.1.255") / ICMP()


@pytest.mark.parametrize("what", ["MAC", "IP", "peer's IP", "VLAN", "broadcast"])
def test_spoofed_frames_do_not_pass(labs: Labs, what: str) -> None:
    lab = labs(PEERED)
    with lab.capture("blue2") as seen, lab.capture("host86") as nic:
        lab.send("blue1", spoofed(lab, what), times=5)
    assert not [packet for packet in seen if ICMP in packet]
    assert not tunnelled(nic)


def test_spoofed_arp_changes_nobodys_mind(labs: Labs) -> None:
    lab = labs(PEERED)
    port = lab.network.ports["blue1"]
    before = lab.dropped("host86", "ARP from blue1 with a sender that is not its own")
    answer = ARP(op=2, hwsrc=port.mac, psrc="10.0.1.1", hwdst="ff:ff:ff:ff:ff:ff", pdst=lab.address("blue2"))
    with lab.capture("blue2") as seen:
        lab.send("blue1", Ether(src=port.mac, dst="ff:ff:ff:ff:ff:ff") / answer, times=5)
    assert not [packet for packet in seen if ARP in packet and packet[ARP].hwsrc == port.mac]
    assert lab.dropped("host86", "ARP from blue1 with a sender that is not its own") == before + 5
