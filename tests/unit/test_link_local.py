"""Frames that switches send to each other (IEEE 802.1Q, 8.6.3): what passes ours, and what must not.

An instance that is heard by a company's switches can bend their spanning tree, bundle their links and stop their
ports. But switches of others that do not hear each other through ours never find a loop that leads through them.
"""

import pytest

from flows.compile.declared import host_node, plugged_in, switch_node
from flows.model import Network
from flows.openflow.fields import ETH_DST, ETH_SRC, ETH_TYPE, VLAN_PRESENT, VLAN_TCI
from flows.simulate.packet import Packet
from flows.simulate.tracing import simulated
from flows.simulate.world import Instance, PortLocation
from tests.scenario import SCENARIOS, load

SEGMENTS, PLAIN = load(SCENARIOS / "segments.yaml"), load(SCENARIOS / "plain-switches.yaml")

BPDU, PVST_BPDU = "01:80:c2:00:00:00", "01:00:0c:cc:cc:cd"
RESERVED = [f"01:80:c2:00:00:{last:02x}" for last in range(16)]
MRP = [f"01:80:c2:00:00:{last:02x}" for last in range(0x20, 0x30)]
CDP = "01:00:0c:cc:cc:cc"
BESIDE = ["01:80:c2:00:00:10", "01:80:c2:00:00:30", "01:00:0c:cc:cc:ce", "01:00:5e:00:00:01", "ff:ff:ff:ff:ff:ff"]
LLC, LLDP, LACP, PAUSE = 0x5FF, 0x88CC, 0x8809, 0x8808


def receivers(network: Network, at: PortLocation, to: str, vlan: int | None = None, kind: int = LLC) -> list[str]:
    """Who gets a frame that comes in there, each as often as it gets it; and whether it leaves its host."""
    fields = ((ETH_SRC, 0x020000000066), (ETH_DST, int(to.replace(":", ""), 16)), (ETH_TYPE, kind))
    sent = Packet({}).having(*fields, (VLAN_TCI, 0 if vlan is None else VLAN_PRESENT | vlan))
    journey = simulated(plugged_in(network)).send(at, sent)
    away = [copy for visit in journey.visits for copy in visit.walk.copies if copy.port > 60000]
    machines = [each.end.port for each in journey.arrivals if isinstance(each.end, Instance)]
    return sorted(machines) + ["another host"] * bool(away)


def instance(port: str) -> PortLocation:
    host = SEGMENTS.ports[port].host
    assert host is not None
    numbers = {each.iface_id: each.ofport for each in plugged_in(SEGMENTS).hosts[host].interfaces}
    return PortLocation(host_node(host), numbers[port])


def physical(host: str) -> PortLocation:
    return PortLocation(host_node(host), dict(plugged_in(SEGMENTS).hosts[host].physical)["office"])


def plain(switch: str, interface: str) -> PortLocation:
    numbers = {plug.name: plug.ofport for plug in plugged_in(PLAIN).switches[switch].plugs}
    return PortLocation(switch_node(switch), numbers[interface])


@pytest.mark.parametrize("to", [*RESERVED, *MRP, CDP, PVST_BPDU])
@pytest.mark.parametrize(
    ("port", "vlan"), [("red1", None), ("office1", None), ("lobby1", None), ("trunk1", 101), ("all1", 102)]
)
def test_an_instance_does_not_speak_to_switches(port: str, vlan: int | None, to: str) -> None:
    assert receivers(SEGMENTS, instance(port), to, vlan) == []


@pytest.mark.parametrize("to", ["0a:00:00:00:00:02", "02:00:00:00:00:77", "ff:ff:ff:ff:ff:ff"])
def test_an_instance_does_not_pause_anybody(to: str) -> None:
    """IEEE 802.3, annex 31B: also a pause frame that is for one station."""
    assert receivers(SEGMENTS, instance("red1"), to, kind=PAUSE) == []


@pytest.mark.parametrize("to", BESIDE)
def test_other_groups_are_flooded_as_ever(to: str) -> None:
    assert receivers(SEGMENTS, instance("red1"), to) == ["all1", "red2", "trunk1", "another host"]


@pytest.mark.parametrize("to", [BPDU, PVST_BPDU])
def test_what_switches_of_a_physical_network_send_reaches_its_vlan_there(to: str) -> None:
    assert receivers(SEGMENTS, physical("h1"), to, 1001) == ["office1"]
    assert receivers(SEGMENTS, physical("h1"), to) == ["lobby1"]


@pytest.mark.parametrize("to", [*RESERVED[1:], *MRP, CDP])
def test_everything_else_between_switches_of_a_physical_network_ends_at_the_host(to: str) -> None:
    assert receivers(SEGMENTS, physical("h1"), to, 1001) == []


@pytest.mark.parametrize("kind", [LLDP, LACP, PAUSE, 0x888E])
def test_other_protocols_that_use_the_group_of_bpdus_end_at_the_link(kind: int) -> None:
    """LLDP and LACP of the "nearest customer bridge" (IEEE 802.1AB, 802.1AX)."""
    assert receivers(SEGMENTS, physical("h1"), BPDU, 1001, kind) == []
    assert receivers(PLAIN, plain("s2", "every"), BPDU, None, kind) == []


@pytest.mark.parametrize("to", [BPDU, PVST_BPDU, *MRP])
def test_plain_switches_carry_bpdus_and_mrp_once_to_everybody(to: str) -> None:
    """Over rings and parallel links, of which our own tree uses some."""
    assert receivers(PLAIN, plain("s2", "every"), to) == ["lan1", "lan3", "some"]
    assert receivers(PLAIN, plain("s1", "red1"), to) == ["every", "red2"]


@pytest.mark.parametrize("to", [*RESERVED[1:], CDP])
def test_plain_switches_keep_everything_else_to_themselves(to: str) -> None:
    assert receivers(PLAIN, plain("s2", "every"), to) == []
    assert receivers(PLAIN, plain("s1", "red1"), to) == []


@pytest.mark.parametrize("to", [BPDU, PVST_BPDU])
@pytest.mark.parametrize("guarded", ["r1.lan", "lan3"])
def test_no_bpdu_passes_where_no_switch_is_expected(guarded: str, to: str) -> None:
    """Behind a router's cable, and behind a port with a guard."""
    assert receivers(PLAIN, plain("s3", guarded), to) == []
    assert receivers(PLAIN, plain("s3", guarded), "ff:ff:ff:ff:ff:ff")
