"""Is the frame for one station, or for a group?

Frames of segments come here from local ports, with their VLAN. The lowest bit of a MAC address's first byte says
which: unicast looks for the station, flood has the copies for groups, of which broadcast is one. Groups that switches
use among themselves, and what only controls a link, go to link_local. The numbers 1 and 2 are those of the classic
pipeline, in which what is neither goes to table 2; no frame is.
"""

from collections.abc import Iterator

from flows import priorities
from flows.fields import ETH_DST, ETH_TYPE
from flows.groups import CISCO, MAC_CONTROL, RESERVED
from flows.pipeline import OUTBOUND
from flows.rules import Application
from flows.switching import Flood, FloodOthers, SwitchGroups
from flows.templates import eq, goto, multicast, unicast

STATION = OUTBOUND.rule("for one station", match=[unicast(ETH_DST)], do=[goto("unicast")])
GROUP = OUTBOUND.rule("for a group", match=[multicast(ETH_DST)], do=[goto("flood")])
BETWEEN_SWITCHES = tuple(
    OUTBOUND.rule(sentence, match=[match], do=[goto("link_local")], priority=priorities.GUARD)
    for sentence, match in (
        ("for a group that only switches listen to (IEEE 802.1Q)", RESERVED),
        ("for a group that only switches listen to (Cisco)", CISCO),
        ("controls the link that it came by, whoever it is for", eq(ETH_TYPE, MAC_CONTROL)),
    )
)


def for_groups(groups: SwitchGroups) -> Iterator[Application]:
    for rule in BETWEEN_SWITCHES:
        yield rule(groups.why)


def for_vlan(flood: Flood | FloodOthers) -> Iterator[Application]:
    yield STATION(flood.why)
    yield GROUP(flood.why)


UNITS = {Flood: for_vlan, FloodOthers: for_vlan, SwitchGroups: for_groups}
