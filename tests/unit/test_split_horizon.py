"""What one half of an announced port sends must not come back to its other half.

While a port is announced to move it has interfaces on two hosts. A guest that gets its own frames back takes its
address for a duplicate, and a bridge in it takes that for a loop.
"""

from collections import Counter
from collections.abc import Iterator

import pytest

from flows.compile.declared import host_node, plugged_in
from flows.model import GATEWAY_MAC, Network, SegmentPort, parse
from flows.openflow.fields import ETH_DST, ETH_SRC, ETH_TYPE, IP_DST, IP_PROTO, IP_SRC, IP_TTL, VLAN_PRESENT, VLAN_TCI
from flows.simulate.packet import Packet
from flows.simulate.tracing import simulated
from flows.simulate.world import Instance, PortLocation, World

TEXT = """
hosts:
  h1: {tunnel_ip: 192.168.50.1, physical: {floor: eth1}}
  h2: {tunnel_ip: 192.168.50.2, physical: {floor: eth1}}
  h3: {tunnel_ip: 192.168.50.3, physical: {floor: eth1}}
segments:
  red: {id: 20001, vlan: 101}
  blind: {id: 20002, vlan: 102, flood_only: true}
  office: {vlan: 103, physical: {network: floor, vlan: 1003}}
ports:
  declared: {segment: red, mac: "0a:00:00:00:00:01", host: h1, moving_to: h2}
  derived: {segment: red, host: h2, moving_to: h1}
  trunk: {trunk: [red, blind, office], mac: "0a:00:00:00:00:02", host: h3, moving_to: h1}
  wide: {trunk: [], host: h1, moving_to: h3}
  red1: {segment: red, host: h1}
  red2: {segment: red, host: h2}
  red3: {segment: red, host: h3}
  blind1: {segment: blind, host: h1}
  blind2: {segment: blind, host: h2}
  blind3: {segment: blind, host: h3}
  office1: {segment: office, host: h1}
  office2: {segment: office, host: h2}
  office3: {segment: office, host: h3}
"""
NETWORK = parse(TEXT, "announced.yaml")[0]
GROUPS = {"broadcast": "ff:ff:ff:ff:ff:ff", "multicast": "01:00:5e:00:00:fb", "unknown": "0a:00:00:00:00:77"}


def halves() -> Iterator[tuple[str, str, str, str]]:
    """Each announced port with each segment that it carries, and its two hosts: the one that speaks first."""
    for port in NETWORK.host_ports.values():
        if isinstance(port, SegmentPort) and port.moving_to is not None and port.host is not None:
            for segment in NETWORK.segments_of(port):
                yield port.name, segment.name, port.host, port.moving_to
                yield port.name, segment.name, port.moving_to, port.host


def place(network: Network, port: str, host: str) -> PortLocation:
    interfaces = plugged_in(network).hosts[host].interfaces
    return PortLocation(host_node(host), next(each.ofport for each in interfaces if each.iface_id == port))


def frame(network: Network, port: str, segment: str, to: str) -> Packet:
    """What a port sends in a segment."""
    sender = network.host_ports[port]
    assert isinstance(sender, SegmentPort)
    tag = None if sender.segment else network.segments[segment].vlan
    fields = ((ETH_SRC, number(sender.mac_address)), (ETH_DST, number(to)), (ETH_TYPE, 0x9000))
    return Packet({}).having(*fields, (VLAN_TCI, VLAN_PRESENT | tag if tag else 0))


def number(mac: str) -> int:
    return int(mac.replace(":", ""), 16)


def receivers(world: World, at: PortLocation, sent: Packet) -> Counter[tuple[str, str]]:
    """Who gets a frame, on which host, and how often."""
    arrivals = world.send(at, sent).arrivals
    return Counter((each.end.port, each.place.node) for each in arrivals if isinstance(each.end, Instance))


def members(segment: str) -> set[tuple[str, str]]:
    """Every port of a segment, on each of its hosts."""
    return {
        (port.name, host_node(host))
        for port in NETWORK.host_ports.values()
        if isinstance(port, SegmentPort) and segment in {each.name for each in NETWORK.segments_of(port)}
        for host in (port.host, port.moving_to)
        if host is not None
    }


@pytest.mark.parametrize("to", GROUPS)
@pytest.mark.parametrize(("port", "segment", "here", "there"), list(halves()))
def test_a_flood_reaches_everybody_once_but_the_other_half(
    port: str, segment: str, here: str, there: str, to: str
) -> None:
    world = simulated(plugged_in(NETWORK))
    got = receivers(world, place(NETWORK, port, here), frame(NETWORK, port, segment, GROUPS[to]))
    assert got == Counter(members(segment) - {(port, host_node(here)), (port, host_node(there))})


@pytest.mark.parametrize(("port", "segment", "here", "there"), list(halves()))
def test_a_frame_to_itself_reaches_nobody_also_when_both_halves_are_known(
    port: str, segment: str, here: str, there: str
) -> None:
    world = simulated(plugged_in(NETWORK))
    own = NETWORK.host_ports[port].mac_address
    for host in (here, there):  # there, its own address is learned last
        receivers(world, place(NETWORK, port, host), frame(NETWORK, port, segment, GROUPS["broadcast"]))
    got = receivers(world, place(NETWORK, port, here), frame(NETWORK, port, segment, own))
    assert (port, host_node(there)) not in got


@pytest.mark.parametrize("host", ["h1", "h2"])
def test_a_packet_of_a_vpc_to_the_own_address_reaches_nobody(host: str) -> None:
    text = """
hosts: {h1: {tunnel_ip: 192.168.50.1}, h2: {tunnel_ip: 192.168.50.2}}
vpcs: {blue: {id: 1, subnets: {web: {cidr: 10.0.0.0/24}, db: {cidr: 10.0.1.0/24}}}}
ports: {roamer: {vpc: blue, ips: [10.0.0.2, 10.0.0.3], host: h1, moving_to: h2}}
"""
    network = parse(text, "vpc.yaml")[0]
    world, roamer = simulated(plugged_in(network)), network.vpc_ports["roamer"]
    for to in roamer.ips:
        sent = Packet({}).having(
            (ETH_SRC, number(roamer.mac)), (ETH_DST, number(GATEWAY_MAC)), (ETH_TYPE, 0x0800), (IP_TTL, 64)
        )
        sent = sent.having((IP_SRC, int(roamer.ips[0])), (IP_DST, int(to)), (IP_PROTO, 17))
        assert not receivers(world, place(network, "roamer", host), sent)


def test_what_others_send_reaches_both_halves() -> None:
    world = simulated(plugged_in(NETWORK))
    for sender, host in (("red1", "h1"), ("red2", "h2"), ("red3", "h3")):
        got = receivers(world, place(NETWORK, sender, host), frame(NETWORK, sender, "red", GROUPS["broadcast"]))
        assert got == Counter(members("red") - {(sender, host_node(host))})
