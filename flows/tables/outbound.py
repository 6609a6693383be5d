"""Is the frame for one station, or for a group?

Frames of segments come here from local ports, with their VLAN. The lowest bit of a MAC address's first byte says
which: unicast looks for the station, flood has the copies for groups, of which broadcast is one. The numbers 1 and 2
are those of the classic pipeline, in which what is neither goes to table 2; no frame is.
"""

from collections.abc import Iterator

from flows.fields import ETH_DST
from flows.pipeline import OUTBOUND
from flows.rules import Application
from flows.switching import Flood, FloodOthers
from flows.templates import goto, multicast, unicast

STATION = OUTBOUND.rule("for one station", match=[unicast(ETH_DST)], do=[goto("unicast")])
GROUP = OUTBOUND.rule("for a group", match=[multicast(ETH_DST)], do=[goto("flood")])


def for_vlan(flood: Flood | FloodOthers) -> Iterator[Application]:
    yield STATION(flood.why)
    yield GROUP(flood.why)


UNITS = {Flood: for_vlan, FloodOthers: for_vlan}
