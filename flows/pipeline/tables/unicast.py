"""Where is the station that this frame is for?

Frames of segments for one station come here, from local ports and from tunnels. Addresses that the model declares are
here as rules. The switch learns the others into this table, by tables learn and learn_local. It forgets an address that
has been silent for the segment's ageing time. No frame leaves by the port that it came in by, so a frame from a tunnel
never leaves by a tunnel. A station that is announced to move gets a copy on each of its two hosts, but not of what it
sends to its own address. A miss goes to flood.
"""

from collections.abc import Iterator

from flows.openflow.actions import PopVlan
from flows.openflow.fields import ETH_DST, IN_PORT, TUN_DST, TUN_ID, VLAN
from flows.pipeline import priorities
from flows.pipeline.page import UNICAST
from flows.pipeline.registers import PAYLOAD_TAG
from flows.pipeline.rules import Application
from flows.pipeline.templates import P, copies, drop, eq, goto, output, put
from flows.units.moves import AnnouncedMac, MovingPort
from flows.units.switching import DeclaredMac, RemoteMac, TunnelSegment

_STATION = [eq(VLAN, P.vlan), eq(ETH_DST, P.mac)]

UNTAGGED = UNICAST.rule(
    "{mac} of {vlan} is behind {port}, untagged",
    match=_STATION,
    do=[PopVlan(), output(P.port)],
)
TAGGED = UNICAST.rule(
    "{mac} of {vlan} is behind {port}, with VLAN tag {wire}",
    match=_STATION,
    do=[put(VLAN, P.wire), output(P.port)],
)
ELSEWHERE = UNICAST.rule(
    "{mac} of {vlan} is on {host} ({tunnel_ip}): encapsulate with key {key}",
    match=_STATION,
    do=[PopVlan(), put(TUN_ID, P.key), put(TUN_DST, P.tunnel_ip), output(P.tunnel)],
)
ANNOUNCED = UNICAST.rule(
    "{mac} of {vlan} is announced to move: copies to {copies}",
    match=_STATION,
    do=[copies(P.copies)],
)
TO_ITSELF = UNICAST.rule(
    "from {port} to its own {mac} of {vlan}, which is announced to move: dropped",
    match=[eq(IN_PORT, P.port), *_STATION],
    do=drop(),
    priority=priorities.GUARD,
)
PAYLOAD_TAGGED = UNICAST.rule(
    "from a tunnel, with a VLAN tag of its own: to everybody, as learned flows take all tags away",
    match=[eq(PAYLOAD_TAG, 1)],
    do=[goto("flood")],
    priority=priorities.FALLBACK,
)


def for_declared(mac: DeclaredMac) -> Iterator[Application]:
    if mac.wire is None:
        yield UNTAGGED(mac.why, vlan=mac.vlan, mac=mac.mac, port=mac.ofport)
    else:
        yield TAGGED(mac.why, vlan=mac.vlan, mac=mac.mac, port=mac.ofport, wire=mac.wire)


def for_remote(mac: RemoteMac) -> Iterator[Application]:
    yield ELSEWHERE(
        mac.why,
        vlan=mac.vlan,
        mac=mac.mac,
        host=mac.host,
        tunnel_ip=mac.tunnel_ip,
        key=mac.key,
        tunnel=mac.tunnel_port,
    )


def for_announced(mac: AnnouncedMac) -> Iterator[Application]:
    yield ANNOUNCED(mac.why, vlan=mac.vlan, mac=mac.mac, copies=mac.copies)


def for_moving(half: MovingPort) -> Iterator[Application]:
    yield TO_ITSELF(half.why, vlan=half.vlan, mac=half.mac, port=half.ofport)


def for_segment(segment: TunnelSegment) -> Iterator[Application]:
    yield PAYLOAD_TAGGED(segment.why)


UNITS = {
    DeclaredMac: for_declared,
    RemoteMac: for_remote,
    AnnouncedMac: for_announced,
    MovingPort: for_moving,
    TunnelSegment: for_segment,
}
