"""Segments on a physical network: its VLANs outside, each host's own inside (S16)."""

from collections.abc import Callable

import pytest
from scapy.all import ICMP, Dot1Q

from controller.cli.lab.ping import ping_all, plugged
from tests.integration.frames import BROADCAST, Frames, Tag, frame, frames
from tests.integration.learned import entry
from tests.integration.vpclab import VpcLab
from tests.scenario import SHIPPED

pytestmark = [pytest.mark.lab, pytest.mark.system("S16")]
Labs = Callable[[str], VpcLab]

OFFICE = (SHIPPED / "physical-vlans.yaml").read_text()
LAN = "physical/office"
HOSTS = ["host1", "host2"]
CDP, PVST_BPDU = "01:00:0c:cc:cc:cc", "01:00:0c:cc:cc:cd"
VISITOR, SECOND = "0e:02:00:00:00:77", "0e:02:00:00:00:78"


@pytest.fixture
def lab(labs: Labs) -> VpcLab:
    return labs(OFFICE)


@pytest.fixture
def watch(lab: VpcLab, watches: Callable[..., Frames]) -> Frames:
    return watches(lab.lab, lab.network, *lab.network.ports, LAN, *HOSTS)


def test_every_pair_is_as_the_model_says(lab: VpcLab) -> None:
    ports = plugged(lab.store, lab.network)
    pairs = ping_all(lab.lab, lab.network, ports, ports)
    assert [pair for pair in pairs if not pair.is_right] == []
    assert len([pair for pair in pairs if pair.answered]) == 4


def test_frames_carry_the_physical_vlan_there_and_none_here(lab: VpcLab) -> None:
    """Two tenants with the same addresses, each in its VLAN of the office."""
    for tenant, vlan in (("a", 1001), ("b", 1002)):
        with lab.capture("physical", "office") as between, lab.capture(f"{tenant}2") as inside:
            assert lab.ping(f"{tenant}1", f"{tenant}2").lost == 0
        pings = [packet for packet in between if ICMP in packet]
        assert {packet[Dot1Q].vlan if Dot1Q in packet else None for packet in pings} == {vlan}
        assert len(pings) == 6
        assert [packet for packet in inside if ICMP in packet]
        assert not [packet for packet in inside if Dot1Q in packet]


def test_no_tunnel_is_used(watch: Frames) -> None:
    """The hosts' NICs in the underlay see none of it."""
    watch.check("a1", BROADCAST, {LAN: (Tag(1001),), "a2": ()})
    watch.check("b2", BROADCAST, {LAN: (Tag(1002),), "b1": ()})
    # A tenant without a second host reaches nobody, and is not on the office's LAN.
    watch.check("c2", BROADCAST, {})


def test_the_hosts_own_vlans_differ(lab: VpcLab, watch: Frames) -> None:
    """As the source has it: tenant a is VLAN 1 on one host and 7 on the other, b is 2 and 6."""
    for tenant, vlan, mac, local in (("a", 1001, VISITOR, [1, 7]), ("b", 1002, SECOND, [2, 6])):
        watch.check(LAN, BROADCAST, {f"{tenant}1": (), f"{tenant}2": ()}, Tag(vlan), source=mac)
        found = [entry(lab, host, mac) for host in HOSTS]
        assert [one.vlan for one in found if one] == local


def test_machines_of_the_office(watch: Frames) -> None:
    """They are reached, and learned, like instances; what is no segment's VLAN is nobody's."""
    mac = "0e:02:00:00:00:70"
    watch.check(LAN, BROADCAST, {"a1": (), "a2": ()}, Tag(1001), source=mac)
    watch.check("a1", mac, {LAN: (Tag(1001),)})
    watch.check("a2", mac, {LAN: (Tag(1001),)})
    watch.check("b1", mac, {LAN: (Tag(1002),), "b2": ()})
    for tags in ((), (Tag(0),), (Tag(1),), (Tag(2),), (Tag(7),), (Tag(1003),), (Tag(4095),)):
        watch.check(LAN, BROADCAST, {}, *tags)
    watch.check(LAN, BROADCAST, {"a1": (Tag(1002),), "a2": (Tag(1002),)}, Tag(1001), Tag(1002))


def test_instances_do_not_speak_to_the_switches_of_the_office(lab: VpcLab, watch: Frames) -> None:
    """Spanning tree, LACP, pause and LLDP of an instance end at its port, whichever VLAN it is in."""
    sentence = "a BPDU, or the like, from a1, where no switch is expected"
    before = lab.dropped("host1", sentence)
    for last in (0x00, 0x01, 0x02, 0x03, 0x0E, 0x0F, 0x21):
        watch.check("a1", f"01:80:c2:00:00:{last:02x}", {})
    for to in (CDP, PVST_BPDU):
        watch.check("a1", to, {})
    assert lab.dropped("host1", sentence) == before + 9
    watch.check("a1", "01:80:c2:00:00:10", {LAN: (Tag(1001),), "a2": ()})  # beside the reserved ones
    pause = frame(0, watch.mac("a1"), "02:00:00:00:00:77", ()).replace(b"\x88\xb6", b"\x88\x08", 1)
    before = lab.dropped("host1", "a pause frame")
    watch.send_bytes("a1", pause)
    watch.settle("a1")
    assert lab.dropped("host1", "a pause frame") == before + 1


def test_only_bpdus_of_the_office_get_further_than_its_links(watch: Frames) -> None:
    for to in ("01:80:c2:00:00:00", PVST_BPDU):
        watch.check(LAN, to, {"a1": (), "a2": ()}, Tag(1001))
    for to in ("01:80:c2:00:00:01", "01:80:c2:00:00:02", "01:80:c2:00:00:0e", "01:80:c2:00:00:21", CDP):
        watch.check(LAN, to, {}, Tag(1001))


def test_a_machine_moves_between_the_office_and_a_host(watch: Frames) -> None:
    mac = "0e:02:00:00:00:79"
    watch.check(LAN, BROADCAST, {"a1": (), "a2": ()}, Tag(1001), source=mac)
    watch.check("a2", BROADCAST, {LAN: (Tag(1001),), "a1": ()}, source=mac)
    watch.check(LAN, mac, {"a2": ()}, Tag(1001))
    watch.check(LAN, BROADCAST, {"a1": (), "a2": ()}, Tag(1001), source=mac)
    watch.check("a1", mac, {LAN: (Tag(1001),)})


def test_another_physical_vlan(lab: VpcLab) -> None:
    """The office renumbers: what was learned under the old VLAN goes with it."""
    mac = "0e:02:00:00:00:7a"
    with frames(lab, *lab.network.ports, LAN) as watch:
        watch.check(LAN, BROADCAST, {"a1": (), "a2": ()}, Tag(1001), source=mac)
    lab.apply(OFFICE.replace("vlan: 1001", "vlan: 2001"))
    with frames(lab, *lab.network.ports, LAN) as watch:
        watch.check("a1", mac, {LAN: (Tag(2001),), "a2": ()})
        watch.check(LAN, BROADCAST, {}, Tag(1001))
        watch.check(LAN, BROADCAST, {"a1": (), "a2": ()}, Tag(2001))
    # Two tenants exchange their VLANs in one step.
    lab.apply(OFFICE.replace("vlan: 1001", "vlan: 0").replace("vlan: 1002", "vlan: 1001"))
    with frames(lab, *lab.network.ports, LAN) as watch:
        watch.check("b1", BROADCAST, {LAN: (Tag(1001),), "b2": ()})
        watch.check("a1", mac, {LAN: (), "a2": ()})
        watch.check(LAN, BROADCAST, {"a1": (), "a2": ()})
        watch.check(LAN, BROADCAST, {"a1": (), "a2": ()}, Tag(0, pcp=2))
