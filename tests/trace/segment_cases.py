"""Frames of segments and plain switches, each with the rules that it must meet and where it must go."""

from tests.scenario import SCENARIOS, load
from tests.trace.case import PLAIN, TUNNEL, Case

SEGMENTS = load(SCENARIOS / "segments.yaml")
S1 = (SEGMENTS, "h1")
S2 = (SEGMENTS, "h2")

STRANGER = "02:00:00:00:00:77"
"""A station that nobody declared or learned."""
EVERYBODY = "ff:ff:ff:ff:ff:ff"


BPDU, PVST_BPDU = "01:80:c2:00:00:00", "01:00:0c:cc:cc:cd"


def frame(
    port: int,
    to: str,
    *,
    sender: str = "02:00:00:00:00:66",
    vlan: int | None = None,
    priority: int = 0,
    kind: int = 0x800,
) -> str:
    """A frame as an instance would send it, of IPv4 if nothing else is said."""
    tag = "" if vlan is None else f"dl_vlan={vlan},dl_vlan_pcp={priority},"
    return f"in_port={port},{tag}dl_src={sender},dl_dst={to},dl_type={kind:#x}"


def tunnelled(key: int, to: str, *, host: int = 2, sender: str = "02:00:00:00:00:66", vlan: int | None = None) -> str:
    """The same from another host, under a tunnel key."""
    return f"tun_id={key},tun_src=192.0.2.{host},tun_dst=192.0.2.1," + frame(int(TUNNEL), to, sender=sender, vlan=vlan)


FLOODED_RED = ["2", "1", TUNNEL]

CASES = [
    # classify, on access ports
    Case(
        "access", S1, frame(3, STRANGER), "of segment green, from here", ["2", TUNNEL, TUNNEL], through="untagged from"
    ),
    Case("access, priority tag", S1, frame(3, STRANGER, vlan=0, priority=5), "of segment green", ["2", TUNNEL, TUNNEL]),
    Case("access, tagged", S1, frame(3, STRANGER, vlan=102), "from no port of the model, or with a VLAN tag that the"),
    Case(
        "access, local VLAN", S1, frame(3, STRANGER, vlan=2), "from no port of the model, or with a VLAN tag that the"
    ),
    # classify, on trunk ports
    Case("trunk", S1, frame(2, STRANGER, vlan=101, priority=3), "of segment red, from here", ["1", TUNNEL]),
    Case("trunk, VLAN of nobody", S1, frame(2, STRANGER, vlan=104), "from no port of the model, or with a VLAN tag"),
    Case(
        "trunk, untagged", S1, frame(2, STRANGER), "of segment plain", [TUNNEL, TUNNEL], through="which learns nothing"
    ),
    Case(
        "trunk, priority tag",
        S1,
        frame(2, STRANGER, vlan=0),
        "of segment plain",
        [TUNNEL, TUNNEL],
        through="VLAN tag 0",
    ),
    Case(
        "group as a source", S1, frame(1, STRANGER, sender="01:00:5e:00:00:01"), "from red1 with a group's address as"
    ),
    # classify, from the physical network
    Case("physical", S1, frame(60001, STRANGER, vlan=1001), "of segment office, from here", ["4"]),
    Case("physical, untagged", S1, frame(60001, STRANGER), "of segment lobby, from here", ["5"]),
    Case("physical, its VLAN inside", S1, frame(60001, STRANGER, vlan=4), "from no port of the model, or with a VLAN"),
    Case(
        "to the physical",
        S1,
        frame(4, STRANGER),
        "of segment office, from here",
        ["60001"],
        datapath="push_vlan(vid=1001",
    ),
    # outbound
    Case(
        "a group", S1, frame(1, "01:00:5e:00:00:01"), "of segment red, from here", ["2", TUNNEL], through="for a group"
    ),
    Case(
        "broadcast in a segment",
        S1,
        frame(1, EVERYBODY),
        "of segment red, from here",
        ["2", TUNNEL],
        through="for a group",
    ),
    Case("neither", S1, frame(1, EVERYBODY), "neither unicast nor multicast", enter="resubmit(,2)"),
    # from_tunnel, learn
    Case(
        "tunnel",
        S1,
        tunnelled(1, STRANGER),
        "of segment red, from a tunnel",
        ["2", "1"],
        through="frames to this sender",
    ),
    Case(
        "tunnel, tagged payload",
        S1,
        tunnelled(1, STRANGER, vlan=7),
        "of segment red, from a tunnel",
        ["2", "1"],
        {"dl_vlan": "7"},
        through="learned flows take all tags away",
    ),
    Case(
        "tunnel, flooding",
        S1,
        tunnelled(3, STRANGER),
        "of segment plain, from a tunnel",
        ["2"],
        through="is not learned",
    ),
    Case(
        "tunnel, group",
        S1,
        tunnelled(1, STRANGER, sender="03:00:00:00:00:01"),
        "of segment red, with a group's address",
    ),
    Case("tunnel, strange host", S1, tunnelled(1, STRANGER, host=3), "from a host that has no port of the segment"),
    Case("tunnel, strange key", S1, tunnelled(9, STRANGER), "tunnel key of nothing that is here"),
    Case("tunnel to tunnel", S1, tunnelled(1, "0a:00:00:00:00:02"), "0a:00:00:00:00:02 of segment red is on h2"),
    # learn_local, known
    Case("not admitted", S1, frame(1, STRANGER), "the segment has learned as many", enter="resubmit(,11)"),
    Case("known", S1, frame(1, STRANGER), "not known: new to its segment", enter="resubmit(,12)"),
    # unicast
    Case(
        "declared, trunk",
        S1,
        frame(1, "0a:00:00:00:00:01"),
        "0a:00:00:00:00:01 of segment red is behind trunk1, with VLAN tag 101",
        ["2"],
        {"dl_vlan": "101"},
    ),
    Case(
        "declared, to itself", S1, frame(2, "0a:00:00:00:00:01", vlan=101), "0a:00:00:00:00:01 of segment red is behind"
    ),
    Case("declared, access", S1, tunnelled(2, "0a:00:00:00:00:01"), "0a:00:00:00:00:01 of segment green is", ["2"]),
    Case("declared, access port", S1, frame(60001, "0a:00:00:00:00:11", vlan=1001), "0a:00:00:00:00:11 of", ["4"]),
    Case(
        "declared, elsewhere",
        S1,
        frame(1, "0a:00:00:00:00:02"),
        "0a:00:00:00:00:02 of segment red is on h2",
        [TUNNEL],
        {"tun_dst": "192.0.2.2"},
    ),
    Case("declared, by the physical network", S1, frame(4, "0a:00:00:00:00:12"), "0a:00:00:00:00:12 of", ["60001"]),
    # flood
    Case("flood, VLAN of nobody", S1, frame(1, STRANGER), "of a VLAN that nobody here has", enter="resubmit(,21)"),
    Case("flood, all forms", S2, frame(4, STRANGER), "of segment office, from here", ["3", "60001"]),
    # a plain switch
    Case(
        "plain, access",
        PLAIN,
        frame(1, STRANGER),
        "of VLAN 10, from here",
        ["2", "3", "4"],
        datapath="push_vlan(vid=10,",
    ),
    Case("plain, VLAN 0", PLAIN, frame(3, STRANGER), "of VLAN 0, from here", ["4"]),
    Case(
        "plain, any tag",
        PLAIN,
        frame(3, STRANGER, vlan=10),
        "of VLAN 10",
        ["2", "4", "1"],
        through="under the VLAN tag",
    ),
    Case("plain, other VLAN", PLAIN, frame(3, STRANGER, vlan=99), "of a VLAN that only", ["4"], {"dl_vlan": "99"}),
    Case("plain, learns nothing", PLAIN, frame(4, STRANGER, vlan=98), "of a VLAN that only ports for all", ["3"]),
    # frames between switches
    Case("BPDU, access port", S1, frame(3, BPDU, kind=0x5FF), "a BPDU, or the like, from green1, where no switch is"),
    Case("BPDU, trunk port", S1, frame(2, BPDU, vlan=101, kind=0x5FF), "a BPDU, or the like, from trunk1, where no"),
    Case("PVST+, trunk port", S1, frame(2, PVST_BPDU, vlan=101), "a BPDU, or the like, from trunk1, where no switch"),
    Case("CDP, access port", S1, frame(3, "01:00:0c:cc:cc:cc"), "a BPDU, or the like, from green1, where no switch"),
    Case("MVRP, access port", S1, frame(3, "01:80:c2:00:00:21"), "a BPDU, or the like, from green1, where no switch"),
    Case("LLDP, access port", S1, frame(3, "01:80:c2:00:00:0e", kind=0x88CC), "LLDP: ends at the link"),
    Case("LACP, access port", S1, frame(3, "01:80:c2:00:00:02", kind=0x8809), "LACP, or another slow protocol: ends"),
    Case("pause, access port", S1, frame(3, "01:80:c2:00:00:01", kind=0x8808), "a pause frame, or other MAC control"),
    Case("pause to a station", S1, frame(3, STRANGER, kind=0x8808), "a pause frame, or other MAC control: ends"),
    Case(
        "beside the reserved groups",
        S1,
        frame(3, "01:80:c2:00:00:10"),
        "of segment green, from here",
        ["2"] + 2 * [TUNNEL],
    ),
    Case("BPDU from a tunnel", S1, tunnelled(1, BPDU), "for a group that only switches listen to: ends at the link"),
    Case("PVST+ from a tunnel", S1, tunnelled(1, PVST_BPDU), "for a group that only switches listen to: ends at the"),
    Case(
        "pause from a tunnel",
        S1,
        tunnelled(1, STRANGER).replace("0x800", "0x8808"),
        "a pause frame, or other MAC control: ends at the link",
        through="from a tunnel, though it controls a link",
    ),
    Case(
        "BPDU from a physical network",
        S1,
        frame(60001, BPDU, vlan=1001, kind=0x5FF),
        "of segment office, from here",
        ["4"],
        through="a BPDU from physical network office",
    ),
    Case(
        "LLDP from a physical network, to the BPDUs' group",
        S1,
        frame(60001, BPDU, vlan=1001, kind=0x88CC),
        "LLDP: ends at the link",
    ),
    Case("pause from a physical network", S1, frame(60001, "01:80:c2:00:00:01", vlan=1001), "for a group that only"),
    Case("plain, BPDU", PLAIN, frame(2, BPDU, vlan=10), "of VLAN 10, from here", ["3", "4", "1"]),
    Case("plain, PVST+", PLAIN, frame(3, PVST_BPDU, vlan=99), "of a VLAN that only ports for all", ["4"]),
    Case("plain, BPDU where none is expected", PLAIN, frame(1, BPDU), "a BPDU, or the like, from port 1, where no"),
    Case("plain, LACP", PLAIN, frame(2, "01:80:c2:00:00:02", vlan=10, kind=0x8809), "LACP, or another slow protocol"),
    Case("plain, provider BPDU", PLAIN, frame(2, "01:80:c2:00:00:08", vlan=10), "for a group that only switches"),
    Case("plain, MVRP", PLAIN, frame(2, "01:80:c2:00:00:21", vlan=10), "of VLAN 10, from here", ["3", "4", "1"]),
]
