"""Every rule, met by a packet in a real ovs-vswitchd: which sentences it goes through and how it ends."""

import pytest

from flows.model import GATEWAY_MAC, Network
from flows.pipeline.page import OUTBOUND, TABLES
from tests.scenario import SCENARIOS, SHIPPED, load
from tests.switch import Switch
from tests.trace import announced_cases, group_cases, segment_cases
from tests.trace.announced_cases import M1, M2, M3
from tests.trace.case import PLAIN, TUNNEL, Case
from tests.trace.group_cases import G1
from tests.trace.segment_cases import S1, S2
from tests.trace.tracer import Trace, Tracer

PEERED = load(SHIPPED / "peered-vpcs.yaml")
CORNERS = load(SCENARIOS / "corner-cases.yaml")

ANSWERED = "10.0.0.1 answers, by the controller: time exceeded"
NOBODY = "02:99:99:99:99:99"


def ip(network: Network, port: str, to: str, *, more: str = "", **changed: str) -> str:
    """A ping from a port as its instance would send it; ``changed`` replaces fields."""
    sender = network.ports[port]
    number = [name for name, other in network.ports.items() if other.host == sender.host].index(port) + 1
    fields = {
        "in_port": str(number),
        "dl_src": sender.mac_address,
        "dl_dst": GATEWAY_MAC,
        "nw_src": str(sender.address),
        "nw_dst": to,
        "nw_ttl": "64",
        "icmp_type": "8",
        "icmp_code": "0",
    } | changed
    return "icmp," + ",".join(f"{name}={value}" for name, value in fields.items()) + more


def arp(network: Network, port: str, to: str, **changed: str) -> str:
    """An ARP request from a port as its instance would send it."""
    sender = network.ports[port]
    number = [name for name, other in network.ports.items() if other.host == sender.host].index(port) + 1
    fields = {
        "in_port": str(number),
        "dl_src": sender.mac_address,
        "dl_dst": "ff:ff:ff:ff:ff:ff",
        "arp_spa": str(sender.address),
        "arp_sha": sender.mac_address,
        "arp_tpa": to,
        "arp_op": "1",
    } | changed
    return "arp," + ",".join(f"{name}={value}" for name, value in fields.items())


HOST87 = "10.174.233.87"


def tunnelled(key: int, source: str, to: str, host: str = HOST87) -> str:
    """A packet from the address of another host under a tunnel key."""
    outside = f"in_port={TUNNEL},tun_id={key},tun_src={host},tun_dst=192.0.2.2"
    return f"{outside},dl_src={GATEWAY_MAC},dl_dst={GATEWAY_MAC},icmp,nw_src={source},nw_dst={to},nw_ttl=64,icmp_type=8"


A = (PEERED, "host86")
H1 = (CORNERS, "h1")
H2 = (CORNERS, "h2")

CASES = [
    # classify
    Case("no port of ours", A, "in_port=77,icmp,nw_src=10.0.1.141,nw_dst=10.0.1.142", "from no port of the model, or"),
    Case("VLAN tag", A, ip(PEERED, "blue1", "10.0.1.142", more=",dl_vlan=5"), "from no port of the model, or"),
    Case(
        "priority tag",
        A,
        ip(PEERED, "blue1", "10.0.1.142", more=",dl_vlan=0,dl_vlan_pcp=5"),
        "out by the tunnel port",
        [TUNNEL],
        {"tun_dst": "10.174.233.87", "vlan_tci": "0x0000"},
        through="with a tag that carries only a priority",
    ),
    Case(
        "priority tag, ARP",
        A,
        arp(PEERED, "blue1", "10.0.1.1") + ",dl_vlan=0,dl_vlan_pcp=7",
        "10.0.1.1 exists in VPC blue: answer",
        ["in_port"],
        {"vlan_tci": "0x0000"},
    ),
    Case(
        "priority tag, from nobody", A, "in_port=77,dl_vlan=0,dl_vlan_pcp=5,ip,nw_src=10.0.1.141", "from no port of the"
    ),
    Case(
        "priority tag in a VPC, from a tunnel",
        A,
        tunnelled(6289, "10.0.1.142", "10.0.1.141") + ",dl_vlan=0,dl_vlan_pcp=5",
        "tunnel key of nothing that",
    ),
    Case(
        "no host's address",
        A,
        tunnelled(6289, "10.0.1.142", "10.0.1.141", host="10.174.233.88"),
        "by the tunnel port from an address that no other host has",
    ),
    Case(
        "its own address",
        A,
        tunnelled(6289, "10.0.1.142", "10.0.1.141", host="10.174.233.86"),
        "by the tunnel port from an",
    ),
    # from_tunnel
    Case("unknown key", A, tunnelled(1, "10.0.1.142", "10.0.1.141"), "tunnel key of nothing that is here"),
    Case(
        "tagged in a VPC", A, tunnelled(6289, "10.0.1.142", "10.0.1.141") + ",dl_vlan=5", "tunnel key of nothing that"
    ),
    Case(
        "keepalive",
        A,
        f"in_port={TUNNEL},tun_id=0,tun_src={HOST87},dl_dst=02:00:00:00:00:02,dl_type=0x88b5",
        "only keeps the path from another host known",
    ),
    Case(
        "tunnel probe",
        A,
        f"in_port={TUNNEL},tun_id=0,tun_src={HOST87},dl_dst=02:00:00:00:00:03,dl_type=0x88b5",
        "a probe of the path from another host",
    ),
    # port_security
    Case(
        "foreign MAC", A, ip(PEERED, "blue1", "10.0.1.142", dl_src=NOBODY), "IPv4 from blue1 with a source that is not"
    ),
    Case(
        "foreign IP", A, ip(PEERED, "blue1", "10.0.1.142", nw_src="10.0.1.9"), "IPv4 from blue1 with a source that is"
    ),
    Case("not to the gateway", A, ip(PEERED, "blue1", "10.0.1.142", dl_dst=NOBODY), "IPv4 from blue1 with a source"),
    Case(
        "broadcast", A, ip(PEERED, "blue1", "10.0.1.255", dl_dst="ff:ff:ff:ff:ff:ff"), "IPv4 from blue1 with a source"
    ),
    Case("ARP as another", A, arp(PEERED, "blue1", "10.0.1.1", arp_spa="10.0.1.142"), "ARP from blue1 with a sender"),
    Case("ARP of another MAC", A, arp(PEERED, "blue1", "10.0.1.1", arp_sha=NOBODY), "ARP from blue1 with a sender"),
    Case("IPv6", A, f"in_port=1,ipv6,dl_src={PEERED.ports['blue1'].mac}", "from an instance, neither IPv4 nor ARP"),
    Case(
        "ARP to a group of switches",
        A,
        arp(PEERED, "blue1", "10.0.1.1", dl_dst="01:80:c2:00:00:00"),
        "from an instance, for a group that only switches listen to",
    ),
    Case(
        "LLDP",
        A,
        "in_port=1,dl_dst=01:80:c2:00:00:0e,dl_type=0x88cc",
        "from an instance, for a group that only switches",
    ),
    # arp_proxy
    Case(
        "the gateway's MAC",
        A,
        arp(PEERED, "blue1", "10.0.1.1"),
        "10.0.1.1 exists in VPC blue: answer",
        ["in_port"],
        {"arp_op": "2", "arp_sha": GATEWAY_MAC, "arp_spa": "10.0.1.1", "arp_tpa": "10.0.1.141", "dl_src": GATEWAY_MAC},
    ),
    Case("an instance elsewhere", A, arp(PEERED, "blue1", "10.0.1.142"), "10.0.1.142 exists in VPC blue", ["in_port"]),
    Case("a peer", A, arp(PEERED, "blue1", "172.16.0.47"), "172.16.0.47 exists at a peer of blue/web", ["in_port"]),
    Case("not peered", H1, arp(CORNERS, "p2", "10.1.0.2"), "ARP for an address that nobody has"),
    Case("address of nobody", A, arp(PEERED, "blue1", "10.0.1.77"), "ARP for an address that nobody has"),
    Case("own address", A, arp(PEERED, "blue1", "10.0.1.141"), "blue1 asks for its own 10.0.1.141: no answer"),
    Case("probe", A, arp(PEERED, "blue1", "10.0.1.141", arp_spa="0.0.0.0"), "blue1 asks for its own 10.0.1.141"),
    Case("probe, taken", A, arp(PEERED, "blue1", "10.0.1.142", arp_spa="0.0.0.0"), "10.0.1.142 exists", ["in_port"]),
    Case("unasked reply", A, arp(PEERED, "blue1", "10.0.1.142", arp_op="2"), "ARP for an address that nobody has"),
    # gateway
    Case(
        "ping",
        A,
        ip(PEERED, "blue1", "10.0.1.1", nw_ttl="1"),
        "ping to 10.0.1.1, the gateway of blue/web: answer",
        ["in_port"],
        {"nw_src": "10.0.1.1", "nw_dst": "10.0.1.141", "icmp_type": "0", "nw_ttl": "64", "dl_src": GATEWAY_MAC},
    ),
    Case(
        "other ICMP", A, ip(PEERED, "blue1", "10.0.1.1", icmp_type="13"), "to 10.0.1.1, the gateway of blue/web, which"
    ),
    Case(
        "a fragment", A, ip(PEERED, "blue1", "10.0.1.1", more=",nw_frag=first"), "to 10.0.1.1, the gateway of blue/web"
    ),
    Case(
        "same subnet",
        A,
        ip(PEERED, "blue1", "10.0.1.142"),
        "out by the tunnel port",
        [TUNNEL],
        {"nw_ttl": "64", "tun_dst": "10.174.233.87"},
        through="encapsulate with key 6289",
    ),
    *(
        Case(name, H1, ip(CORNERS, "p1", "10.0.1.2", nw_ttl=ttl), "from p1 (", through=ANSWERED, datapath="meter(")
        for name, ttl in (("spent TTL", "1"), ("no TTL", "0"))
    ),
    Case("same subnet, TTL 1", A, ip(PEERED, "blue1", "10.0.1.142", nw_ttl="1"), "out by the tunnel port", [TUNNEL]),
    Case("another subnet", H1, ip(CORNERS, "p1", "10.0.1.2"), "out by p2", ["2"], {"nw_ttl": "63"}),
    Case("second address", H1, ip(CORNERS, "p1", "10.0.1.2", nw_src="10.0.0.3"), "out by p2", ["2"]),
    # route_table
    Case("nobody", A, ip(PEERED, "blue1", "10.0.1.77"), "nobody has this address of 10.0.1.0/24 in VPC blue"),
    Case("nowhere", H1, ip(CORNERS, "p1", "10.0.0.9"), "nobody has this address of 10.0.0.0/24 in VPC left"),
    Case(
        "nobody at the peer", A, ip(PEERED, "blue1", "172.16.0.77"), "nobody has this address of 172.16.0.0/24 in VPC"
    ),
    # subnet_route
    Case(
        "peer elsewhere",
        A,
        ip(PEERED, "blue1", "172.16.0.47"),
        "out by the tunnel port",
        [TUNNEL],
        {"nw_ttl": "63", "tun_dst": "10.174.233.87"},
        through="encapsulate with key 6774",
    ),
    Case(
        "peer here",
        A,
        ip(PEERED, "blue1", "172.16.0.48"),
        "out by green2",
        ["2"],
        {"dl_src": GATEWAY_MAC, "dl_dst": PEERED.ports["green2"].mac_address},
    ),
    Case("no route", A, ip(PEERED, "blue1", "8.8.8.8"), "the sender's subnet has no route to this address"),
    Case(
        "not this subnet's peer", H1, ip(CORNERS, "p2", "10.1.0.2"), "the sender's subnet has no route to this address"
    ),
    Case("one side missing", H1, ip(CORNERS, "p1", "10.2.0.2"), "10.2.0.0/24 is VPC right's, which has no route back"),
    Case("to nothing", H1, ip(CORNERS, "p1", "10.9.3.4"), "left/a routes 10.9.0.0/16 to nothing"),
    Case(
        "no way back to this", H2, ip(CORNERS, "q2", "10.0.0.2"), "10.0.0.0/26 is VPC left's, which has no route back"
    ),
    Case("a part of the range", H1, ip(CORNERS, "p1", "10.1.0.2"), "out by the tunnel port", [TUNNEL]),
    Case("outside the part", H1, ip(CORNERS, "p1", "10.1.0.200"), "the sender's subnet has no route to this address"),
    # tunnel_source
    Case("own source", A, tunnelled(6289, "10.0.1.142", "10.0.1.141"), "out by blue1", ["1"], {"dl_src": GATEWAY_MAC}),
    Case("peer's source", A, tunnelled(6774, "10.0.1.142", "172.16.0.48"), "out by green2", ["2"]),
    Case("forged source", A, tunnelled(6774, "10.9.9.9", "172.16.0.48"), "from a tunnel, with a source that neither"),
    Case(
        "unpeered subnet",
        H2,
        tunnelled(2, "10.0.0.2", "10.2.0.2", "192.168.50.1"),
        "from a tunnel, with a source that neither",
    ),
    # neigh_table
    Case("not here", A, tunnelled(6289, "10.0.1.141", "10.0.1.142"), "for an address that is not plugged in on this"),
    # What no packet should ever reach, entered by hand.
    Case(
        "second peering",
        A,
        "in_port=1,ip,nw_dst=9.9.9.9",
        "came through a peering",
        enter="set_field:2->reg0,set_field:1->reg3,resubmit(,40)",
    ),
    Case(
        "no subnet",
        A,
        "in_port=1,ip,nw_dst=10.0.1.142,nw_ttl=64",
        "from no subnet of ours, or not IPv4",
        enter="resubmit(,34)",
    ),
    Case("no VPC", A, "in_port=1,ip,nw_dst=10.0.1.142", "the sender's subnet has no route", enter="resubmit(,40)"),
    Case("no output", A, "in_port=1,ip,nw_dst=10.0.1.142", "no port was chosen", enter="resubmit(,60)"),
    *segment_cases.CASES,
    *announced_cases.CASES,
    *group_cases.CASES,
]

UNREACHABLE = {OUTBOUND.miss_rule}
"""Rules that no packet can meet: each address is a station's or a group's."""


assert len({case.name for case in CASES}) == len(CASES), "two cases have one name"


@pytest.fixture(scope="module")
def traces() -> dict[str, Trace]:
    """All cases traced; a switch is loaded once per host."""
    found: dict[str, Trace] = {}
    with Switch() as switch:
        for where in (A, H1, H2, S1, S2, M1, M2, M3, G1, PLAIN):
            tracer = Tracer(switch) if isinstance(where, str) else Tracer(switch, *where)
            for case in CASES:
                if case.where == where:
                    traced = tracer.enter(case.packet, case.enter) if case.enter else tracer.packet(case.packet)
                    found[case.name] = traced
    return found


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_packet(case: Case, traces: dict[str, Trace]) -> None:
    trace = traces[case.name]
    assert trace.sentences, trace.text
    assert trace.sentences[-1].startswith(case.ends), trace.text
    assert trace.outputs == case.out, trace.text
    assert any(case.through in sentence for sentence in trace.sentences), trace.text
    assert case.datapath in trace.datapath, trace.text
    for name, value in case.fields.items():
        assert trace.field(name) == value, trace.text


def test_every_rule_was_met(traces: dict[str, Trace]) -> None:
    met = frozenset[object]().union(*(trace.rules for trace in traces.values()))
    rules = [rule for table in TABLES for rule in table.all_rules()]
    assert not [f"{rule.table.name}: {rule.sentence}" for rule in rules if rule not in met | UNREACHABLE]
