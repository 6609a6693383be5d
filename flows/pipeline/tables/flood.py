"""Who gets a copy of this frame?

Frames of segments for a group come here, and those for a station whose place is not known. Every local port of the
segment gets a copy, tagged or untagged as the port wants it. Every other host that has ports of the segment gets one by
the tunnel. A frame that came by a tunnel stays on this host: its sender has sent the other hosts theirs. No copy goes
back to the port that the frame came from. A port that is announced to move is on two hosts: what it sends from one does
not go to it on the other.
"""

from collections.abc import Iterator

from flows.openflow.fields import ETH_SRC, IN_PORT, VLAN
from flows.pipeline import priorities
from flows.pipeline.page import FLOOD
from flows.pipeline.registers import REMOTE
from flows.pipeline.rules import Application
from flows.pipeline.templates import P, Value, copies, eq
from flows.units.copies import Copies
from flows.units.moves import MovingPort
from flows.units.switching import Flood, FloodOthers

FROM_HERE = FLOOD.rule(
    "of {vlan}, from here: copies to {copies}",
    match=[eq(REMOTE, 0), eq(VLAN, P.vlan)],
    do=[copies(P.copies)],
)
FROM_TUNNEL = FLOOD.rule(
    "of {vlan}, from a tunnel: copies to {copies}",
    match=[eq(REMOTE, 1), eq(VLAN, P.vlan)],
    do=[copies(P.copies)],
)
HALF_BY_TUNNEL = FLOOD.rule(
    "of {vlan}, from a tunnel, sent by the half of {port} that is on another host: copies to {copies}",
    match=[eq(REMOTE, 1), eq(VLAN, P.vlan), eq(ETH_SRC, P.mac)],
    do=[copies(P.copies)],
    priority=priorities.GUARD,
)
HALF_BY_UPLINK = FLOOD.rule(
    "of {vlan}, from {uplink}, sent by the half of {port} that is on another host: copies to {copies}",
    match=[eq(IN_PORT, P.uplink), eq(VLAN, P.vlan), eq(ETH_SRC, P.mac)],
    do=[copies(P.copies)],
    priority=priorities.GUARD,
)
OTHERS = FLOOD.rule(
    "of a VLAN that only ports for all VLANs carry: copies to {copies}",
    match=[eq(REMOTE, 0)],
    do=[copies(P.copies)],
    priority=priorities.FALLBACK,
)


def for_flood(flood: Flood) -> Iterator[Application]:
    yield FROM_HERE(flood.why, vlan=flood.vlan, copies=flood.copies)
    if flood.copies.remote:
        yield FROM_TUNNEL(flood.why, vlan=flood.vlan, copies=Copies(flood.copies.local))


def for_others(others: FloodOthers) -> Iterator[Application]:
    yield OTHERS(others.why, copies=Copies(unchanged=others.ports))


def for_moving(half: MovingPort) -> Iterator[Application]:
    said: dict[str, Value] = {"vlan": half.vlan, "mac": half.mac, "port": half.ofport, "copies": half.others}
    if half.comes_by_tunnel:
        yield HALF_BY_TUNNEL(half.why, **said)
    if half.uplink is not None:
        yield HALF_BY_UPLINK(half.why, uplink=half.uplink, **said)


UNITS = {Flood: for_flood, FloodOthers: for_others, MovingPort: for_moving}
