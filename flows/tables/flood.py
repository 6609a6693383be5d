"""Who gets a copy of this frame?

Frames of segments for a group come here, and those for a station that nobody knows. Every local port of the segment
gets a copy in the form that its VLAN has there, and every host that has ports of the segment one by the tunnel; no
other does. A frame that came by a tunnel stays on this host: its sender has sent the other hosts theirs. No copy goes
back to the port that the frame came from.
"""

from collections.abc import Iterator

from flows import priorities
from flows.copies import Copies
from flows.fields import VLAN
from flows.pipeline import FLOOD
from flows.registers import REMOTE
from flows.rules import Application
from flows.switching import Flood, FloodOthers
from flows.templates import P, copies, eq

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


UNITS = {Flood: for_flood, FloodOthers: for_others}
