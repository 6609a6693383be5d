"""Hosts in racks behind a router: VPCs need nothing of the underlay but that hosts reach each other (S6)."""

import time
from collections.abc import Callable

import pytest
from scapy.all import Ether, Packet

from controller.cli.lab.ping import ping_all, plugged
from controller.reconcile.underlay.tunnel_probe import REPEAT
from tests.integration.vpclab import VpcLab, tunnelled, wrong
from tests.scenario import SHIPPED
from tests.switch import wait_until

pytestmark = pytest.mark.lab
Labs = Callable[[str], VpcLab]

ROUTER_1, ROUTER_2 = "10.174.1.1", "10.174.2.254"
HOSTS = {"host11": "10.174.1.11", "host12": "10.174.1.12", "host21": "10.174.2.21"}


def racks(encapsulation: str) -> str:
    """The shipped racks over an encapsulation of our choice."""
    return (SHIPPED / "racks.yaml").read_text().replace("encapsulation: gre", f"encapsulation: {encapsulation}")


@pytest.fixture(params=["gre", "vxlan", "geneve"])
def lab(labs: Labs, request: pytest.FixtureRequest) -> VpcLab:
    return labs(racks(str(request.param)))


def leg(lab: VpcLab, rack: str) -> str:
    """The MAC address of the router's leg in a rack."""
    return lab.mac("router", rack)


def seen(packets: list[Packet], source: str, target: str) -> set[tuple[str, str, int]]:
    """Source MAC, destination MAC and TTL of what passed from an underlay address to another."""
    found = [packet for packet in packets if "IP" in packet]
    return {
        (packet[Ether].src, packet[Ether].dst, packet["IP"].ttl)
        for packet in found
        if (packet["IP"].src, packet["IP"].dst) == (source, target)
    }


def arp_answers(lab: VpcLab, host: str) -> list[str]:
    """The datapath's flows for answers to ARP that come in from the underlay."""
    flows = lab.run(host, "ovs-appctl", "dpctl/dump-flows").splitlines()
    return [flow for flow in flows if "op=2" in flow and "userspace" not in flow]


@pytest.mark.system("S6")
def test_tunnels_cross_the_router(lab: VpcLab) -> None:
    one, two = HOSTS["host11"], HOSTS["host21"]
    with lab.capture("host11") as near, lab.capture("host21") as far:
        assert lab.ping("blue1", "blue3").lost == 0
    for packets in (near, far):
        assert {(t.key, t.outer_source, t.outer_target) for t in tunnelled(packets)} == {
            (6289, one, two),
            (6289, two, one),
        }
    assert seen(near, one, two) == {(lab.mac("host11"), leg(lab, "rack1"), 64)}
    assert seen(far, one, two) == {(leg(lab, "rack2"), lab.mac("host21"), 63)}
    assert seen(near, two, one) == {(leg(lab, "rack1"), lab.mac("host11"), 63)}
    assert seen(far, two, one) == {(lab.mac("host21"), leg(lab, "rack2"), 64)}
    # The VPC sees none of it: both are in one subnet.
    assert {t.inner["IP"].ttl for t in tunnelled(far)} == {64}


@pytest.mark.system("S6")
def test_tunnels_inside_a_rack_do_not_use_the_router(lab: VpcLab) -> None:
    with lab.capture("host12") as packets:
        assert lab.ping("blue1", "blue2").lost == 0
    macs = lab.mac("host11"), lab.mac("host12")
    assert seen(packets, HOSTS["host11"], HOSTS["host12"]) == {(*macs, 64)}


@pytest.mark.system("S6", "S9")
def test_every_pair_is_as_the_model_says(lab: VpcLab) -> None:
    ports = plugged(lab.store, lab.network)
    pairs = ping_all(lab.lab, lab.network, ports, ports)
    assert wrong(pairs) == []
    assert len(pairs) == 20


@pytest.mark.system("S6")
def test_router_is_the_only_way_between_racks(labs: Labs) -> None:
    lab = labs(racks("gre"))
    lab.run("router", "ip", "link", "set", "rack2", "down")
    try:
        assert lab.ping("host11", HOSTS["host21"]).received == 0
        assert lab.ping("blue1", "blue3").received == 0
        assert lab.ping("host11", HOSTS["host12"]).lost == 0
        assert lab.ping("blue1", "blue2").lost == 0
    finally:
        lab.run("router", "ip", "link", "set", "rack2", "up")
    assert lab.ping("host11", HOSTS["host21"]).lost == 0
    assert lab.ping("blue1", "blue3").lost == 0


@pytest.mark.system("S6")
@pytest.mark.parametrize("encapsulation", ["gre", "vxlan", "geneve"])
def test_first_ping_after_up(encapsulation: str) -> None:
    lab = VpcLab(racks(encapsulation))
    try:
        assert lab.ping("blue1", "blue3", 1).lost == 0
        assert lab.ping("green2", "green1", 1).lost == 0
        assert lab.ping("green1", "blue2", 1).lost == 0
        lab.examine()
    finally:
        lab.down()


def test_open_vswitch_finds_the_way(labs: Labs) -> None:
    lab = labs(racks("gre"))
    for host, router, far in (("host11", ROUTER_1, "host21"), ("host21", ROUTER_2, "host12")):
        route = lab.run(host, "ovs-appctl", "ovs/route/lookup", HOSTS[far])
        assert {f"src {HOSTS[host]}", f"gateway {router}", "dev br-phy"} == set(route.splitlines())
        neighbours = lab.run(host, "ovs-appctl", "tnl/neigh/show").splitlines()
        rack = "rack1" if host == "host11" else "rack2"
        assert [line.split()[1] for line in neighbours if line.split()[0] == router] == [leg(lab, rack)]


def test_controller_finds_the_router_again(labs: Labs) -> None:
    """As after long silence: Open vSwitch has forgotten every neighbour, the router's legs among them."""
    lab = labs(racks("gre"))
    # Open vSwitch learns from an answer only while it has no flow for such answers, which idle out in 10 s.
    wait_until(lambda: not any(arp_answers(lab, host) for host in HOSTS), "flows for ARP answers to idle out", 40)
    for host in HOSTS:
        lab.run(host, "ovs-appctl", "tnl/neigh/flush")
    # How long it stays empty depends on when the controller's next frame is due.
    time.sleep(REPEAT + 1)
    assert lab.ping("blue1", "blue3", 1).lost == 0
    assert lab.ping("green1", "blue2", 1).lost == 0


def test_switch_restarts_behind_the_router(labs: Labs) -> None:
    """The host gets its prefix and its default route again."""
    lab = labs(racks("vxlan"))
    lab.allow("connection failed|Connection refused|connection dropped|recirc_id . left allocated")
    before = lab.run("host21", "ip", "route")
    lab.lab.restart_switch("host21")
    assert lab.run("host21", "ip", "route") == before
    assert lab.ping("host21", HOSTS["host11"]).lost == 0
