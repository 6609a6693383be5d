"""What a host needs of segments, as far as numbers are given and things are plugged in."""

from dataclasses import replace

from flows.compile.from_scratch import view
from flows.compile.program import compile
from flows.inputs.facts import HostFacts
from flows.inputs.locate import locate
from flows.inputs.tags import Tags
from flows.pipeline.page import FLOOD, FROM_TUNNEL, LEARN, UNICAST, is_receiving
from flows.units.segments import SEGMENTS
from flows.units.switching import DeclaredMac, Flood, Member, RemoteMac, RemoteMembers, TunnelSegment
from flows.units.unit import Unit
from tests.scenario import SCENARIOS, compiled, load, plugged, tags

NETWORK = load(SCENARIOS / "segments.yaml")


def units(facts: HostFacts | None = None, numbers: Tags | None = None) -> list[Unit]:
    """Those of host h1."""
    everything = plugged(NETWORK)
    everything["h1"] = facts or everything["h1"]
    found = view(NETWORK, numbers or tags(NETWORK), locate(NETWORK, everything), everything["h1"], "h1")
    return [unit for unit in found if isinstance(unit, SEGMENTS.units)]


def test_a_segment_without_a_vlan_on_this_host_is_not_there_yet() -> None:
    all_tags = tags(NETWORK)
    without_red = {host: {n: v for n, v in vlans.items() if n != "red"} for host, vlans in all_tags.vlans.items()}
    found = units(numbers=replace(all_tags, vlans=without_red))
    assert found
    assert "segment red" not in {unit.vlan.name for unit in found if isinstance(unit, Member | Flood | DeclaredMac)}
    assert not units(numbers=replace(all_tags, vlans={}))
    assert not units(numbers=replace(all_tags, segments={}))


def test_a_segment_without_a_port_here_is_not_here() -> None:
    facts = plugged(NETWORK)["h1"]
    only_red = frozenset(interface for interface in facts.interfaces if interface.iface_id == "red1")
    found = units(replace(facts, interfaces=only_red))
    assert {unit.vlan.name for unit in found if isinstance(unit, Member)} == {"segment red"}
    # trunk1's declared address is on this host, but its port is not: nobody knows it.
    assert not any(isinstance(unit, DeclaredMac) for unit in found)


def test_without_a_tunnel_port_a_segment_ends_at_its_host() -> None:
    found = units(replace(plugged(NETWORK)["h1"], tunnel_ofport=None))
    assert not any(isinstance(unit, TunnelSegment | RemoteMembers | RemoteMac) for unit in found)
    assert not any(unit.copies.remote for unit in found if isinstance(unit, Flood))


def test_without_a_way_to_the_physical_network_a_segment_ends_at_its_host() -> None:
    found = units(replace(plugged(NETWORK)["h1"], physical=frozenset()))
    office = [unit for unit in found if isinstance(unit, Flood | DeclaredMac) and unit.vlan.name == "segment office"]
    assert sorted(type(unit).__name__ for unit in office) == ["DeclaredMac", "Flood"]
    assert {unit.ofport.name for unit in found if isinstance(unit, Member)}.isdisjoint({"physical network office"})


def test_no_host_that_has_no_port_of_a_segment_gets_a_copy() -> None:
    flood = next(unit for unit in units() if isinstance(unit, Flood) and unit.vlan.name == "segment red")
    assert [copy.host for copy in flood.copies.remote] == ["h2"]


def test_what_takes_in_frames_of_others_is_known_as_such() -> None:
    kinds = {(flow.table, is_receiving(flow)) for flow in compiled(NETWORK, "h1").flows.values() if flow.priority}
    assert {(FROM_TUNNEL.number, True), (LEARN.number, True), (UNICAST.number, False)} <= kinds
    assert {receiving for table, receiving in kinds if table == FLOOD.number} == {True, False}
    assert (FROM_TUNNEL.number, False) not in kinds
    assert (LEARN.number, False) not in kinds


def test_every_learned_cookie_says_what_it_is_there_for() -> None:
    desired = compiled(NETWORK, "h1")
    assert all(cookie >> 56 == 0x77 for cookie in desired.learned)
    sentences = {reason.sentence for reasons in desired.learned.values() for reason in reasons}
    assert "h2 (192.0.2.2) has ports of segment red: frames to this sender go there" in sentences


def test_the_order_of_units_does_not_matter() -> None:
    found = units()
    assert compile(found).flows == compile(reversed(found)).flows
