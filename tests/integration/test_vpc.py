"""VPCs with real packets: who reaches whom, and under which tunnel key (S7, S8, S9, S24)."""

from collections.abc import Callable

import pytest
from scapy.all import ICMP, IP, Ether
from scapy.layers.inet import UDP
from scapy.layers.l2 import GRE
from scapy.layers.vxlan import VXLAN

from controller.cli.lab.ping import ping_all, plugged
from flows.model import GATEWAY_MAC
from tests.integration.vpclab import VpcLab, tunnelled, wrong
from tests.scenario import SHIPPED

pytestmark = pytest.mark.lab
Labs = Callable[[str], VpcLab]
ENCAPSULATIONS = ["gre", "vxlan", "geneve"]


def network(name: str, encapsulation: str) -> str:
    """A shipped network over an encapsulation of our choice."""
    text = (SHIPPED / f"{name}.yaml").read_text()
    return "\n".join(
        f"encapsulation: {encapsulation}" if line.startswith("encapsulation:") else line for line in text.splitlines()
    )


@pytest.fixture(params=ENCAPSULATIONS)
def encapsulation(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.mark.system("S7", "S24")
def test_vpc_0(labs: Labs, encapsulation: str) -> None:
    lab = labs(network("vpc0", encapsulation))
    with lab.capture("host9") as packets:
        assert lab.ping("vm141", "vm47").lost == 0
    seen = tunnelled(packets)
    assert {(t.key, t.outer_source, t.outer_target) for t in seen} == {
        (0, "10.10.1.9", "10.10.1.10"),
        (0, "10.10.1.10", "10.10.1.9"),
    }
    assert {(t.inner["IP"].src, t.inner["IP"].dst) for t in seen} == {
        ("10.0.1.141", "172.16.0.47"),
        ("172.16.0.47", "10.0.1.141"),
    }


@pytest.mark.system("S8", "S24")
def test_same_addresses_in_two_vpcs(labs: Labs, encapsulation: str) -> None:
    lab = labs(network("same-addresses", encapsulation))
    for vpc, key in (("red", 11), ("black", 12)):
        other = "black" if vpc == "red" else "red"
        with lab.capture("h1") as packets, lab.capture(f"{other}2") as stray:
            assert lab.ping(f"{vpc}1", f"{vpc}2").lost == 0
        assert {t.key for t in tunnelled(packets)} == {key}
        assert not [packet for packet in stray if ICMP in packet]


@pytest.mark.system("S9")
def test_peering_travels_under_the_receivers_key(labs: Labs, encapsulation: str) -> None:
    lab = labs(network("peered-vpcs", encapsulation))
    with lab.capture("host86") as packets:
        assert lab.ping("blue1", "green1").lost == 0
    assert {(t.key, t.outer_source, t.outer_target) for t in tunnelled(packets)} == {
        (6774, "10.174.233.86", "10.174.233.87"),
        (6289, "10.174.233.87", "10.174.233.86"),
    }


@pytest.mark.system("S9")
def test_unpeered_vpcs_cannot_talk(labs: Labs, encapsulation: str) -> None:
    lab = labs(network("peered-vpcs", encapsulation))
    lab.apply(network("unpeered-vpcs", encapsulation))
    with lab.capture("host86") as packets:
        assert lab.ping("blue1", "green1").received == 0
        assert lab.ping("blue1", "green2").received == 0
    assert not tunnelled(packets)
    assert lab.dropped("host86", "the sender's subnet has no route to this address") == 6


@pytest.mark.system("S9")
def test_one_sided_route_is_dropped_by_the_senders_host(labs: Labs, encapsulation: str) -> None:
    text = network("peered-vpcs", encapsulation)
    lab = labs(text)
    lab.apply(
        "\n".join(line for line in text.splitlines() if "{to: 10.0.1.0/24" not in line)
        .replace("routes:\n\nports", "ports")
        .replace("        routes:\nports:", "ports:")
    )
    with lab.capture("host86") as packets, lab.capture("host87") as back:
        assert lab.ping("blue1", "green1").received == 0
        assert lab.ping("green1", "blue1").received == 0
    assert not tunnelled(packets)
    assert not tunnelled(back)
    assert lab.dropped("host86", "172.16.0.0/24 is VPC green's, which has no route back") == 3
    assert lab.dropped("host87", "the sender's subnet has no route to this address") == 3


@pytest.mark.system("S9")
@pytest.mark.parametrize("kind", ["gre", "vxlan"])
def test_forged_source_under_the_peers_key(labs: Labs, kind: str) -> None:
    lab = labs(network("peered-vpcs", kind))

    def forged(source: str) -> object:
        inner = Ether(src=GATEWAY_MAC, dst=GATEWAY_MAC) / IP(src=source, dst="172.16.0.47") / ICMP()
        tunnel = (
            GRE(key_present=1, key=6774, proto=0x6558)
            if kind == "gre"
            else UDP(sport=50000, dport=4789) / VXLAN(vni=6774, flags="Instance")
        )
        return IP(src="10.174.233.86", dst="10.174.233.87") / tunnel / inner

    mac, own = lab.mac("host87"), lab.mac("host86")
    refused = "from a tunnel, with a source that neither"
    before = lab.dropped("host87", refused)
    with lab.capture("green1") as packets:
        lab.send("host86", Ether(src=own, dst=mac) / forged("10.99.0.1"), times=5)
        lab.send("host86", Ether(src=own, dst=mac) / forged("10.0.1.142"))  # one that the peering allows
    arrived = [packet["IP"].src for packet in packets if ICMP in packet and packet[ICMP].type == 8]
    assert arrived == ["10.0.1.142"]
    assert lab.dropped("host87", refused) == before + 5


@pytest.mark.system("S7", "S8", "S9", "S24")
@pytest.mark.parametrize("name", ["vpc0", "one-vpc", "same-addresses", "peered-vpcs"])
def test_every_pair_is_as_the_model_says(labs: Labs, name: str) -> None:
    lab = labs(network(name, "gre"))
    ports = plugged(lab.store, lab.network)
    pairs = ping_all(lab.lab, lab.network, ports, ports)
    assert wrong(pairs) == []
    assert len(pairs) == len(ports) * (len(ports) - 1)


def test_ttl(labs: Labs) -> None:
    """Unchanged inside the subnet, one less through the gateway or a peering."""
    lab = labs(network("peered-vpcs", "gre"))
    for target, ttl in (("blue2", 64), ("green1", 63)):
        with lab.capture(target) as packets:
            assert lab.ping("blue1", target, 1).lost == 0
        assert [packet["IP"].ttl for packet in packets if ICMP in packet and packet[ICMP].type == 8] == [ttl]
