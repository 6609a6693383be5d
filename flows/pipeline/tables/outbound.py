"""Is the frame for one station, or for a group?

Frames of segments come here from local ports, with their VLAN. The lowest bit of a MAC address's first byte says which:
unicast looks for the station, flood has the copies for groups, of which broadcast is one. Groups that switches use
among themselves, and what only controls a link, go to link_local. The numbers 1 and 2 are those of the classic
pipeline. There a frame that is neither goes to table 2; no frame is.

A cached flow of the datapath matches every bit that was looked at. So what tells most frames from those of switches by
few bits comes first, and the addresses that switches use, which need nearly all bits, come last.
"""

from collections.abc import Iterator

from flows.openflow.fields import ETH_DST, ETH_TYPE
from flows.pipeline import priorities
from flows.pipeline.group_addresses import CISCO, IPV4_GROUPS, LOCAL_GROUPS, MAC_CONTROL, RESERVED
from flows.pipeline.page import OUTBOUND
from flows.pipeline.rules import Application
from flows.pipeline.templates import eq, goto, multicast, unicast
from flows.units.switching import Flood, FloodOthers, SwitchGroups

CONTROL = OUTBOUND.rule(
    "controls the link that it came by, whoever it is for",
    match=[eq(ETH_TYPE, MAC_CONTROL)],
    do=[goto("link_local")],
    priority=priorities.GUARD,
)
STATION = OUTBOUND.rule("for one station", match=[unicast(ETH_DST)], do=[goto("unicast")])
BESIDE_SWITCHES = tuple(
    OUTBOUND.rule(sentence, match=[match], do=[goto("flood")])
    for sentence, match in (
        ("for a group by an address that no switch uses: broadcast, IPv6 and others", LOCAL_GROUPS),
        ("for a group of IPv4", IPV4_GROUPS),
    )
)
BETWEEN_SWITCHES = tuple(
    OUTBOUND.rule(sentence, match=[match], do=[goto("link_local")], priority=priorities.FALLBACK)
    for sentence, match in (
        ("for a group that only switches listen to (IEEE 802.1Q)", RESERVED),
        ("for a group that only switches listen to (Cisco)", CISCO),
    )
)
GROUP = OUTBOUND.rule("for a group", match=[multicast(ETH_DST)], do=[goto("flood")], priority=priorities.LAST_RESORT)


def for_groups(groups: SwitchGroups) -> Iterator[Application]:
    for rule in (CONTROL, *BESIDE_SWITCHES, *BETWEEN_SWITCHES):
        yield rule(groups.why)


def for_vlan(flood: Flood | FloodOthers) -> Iterator[Application]:
    yield STATION(flood.why)
    yield GROUP(flood.why)


UNITS = {Flood: for_vlan, FloodOthers: for_vlan, SwitchGroups: for_groups}
