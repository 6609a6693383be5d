"""May a frame that switches send to each other pass this switch?

Frames for the groups that switches use among themselves come here (IEEE 802.1Q, 8.6.3), from local ports and from
tunnels. They end here: what an instance says to a company's switches, or they to it, stays on the link. BPDUs are the
one exception. Our switches speak no spanning tree. Switches of others must hear each other through ours, or they would
never find a loop that leads through ours. So BPDUs are flooded in their VLAN if they come from a physical network, or
on a plain switch. None is expected from an instance or a router, nor by a tunnel. Plain switches pass on MRP (MVRP and
the like), as bridges do that do not take part in it.
"""

from collections.abc import Iterator

from flows.openflow.fields import ETH_DST, ETH_TYPE, IN_PORT
from flows.pipeline import priorities
from flows.pipeline.group_addresses import BPDU, LINK_PROTOCOLS, MRP, PVST_BPDU
from flows.pipeline.page import LINK_LOCAL
from flows.pipeline.rules import Application
from flows.pipeline.templates import P, drop, eq, goto
from flows.units.switching import LinkEnd, PassesMrp, SwitchGroups

STOPPED = LINK_LOCAL.rule(
    "{protocol}: ends at the link: dropped",
    match=[eq(ETH_TYPE, P.protocol)],
    do=drop(),
    priority=priorities.GUARD,
)
CARRIED = LINK_LOCAL.rule(
    "a BPDU from {port}, to {group}: as every frame for a group",
    match=[eq(IN_PORT, P.port), eq(ETH_DST, P.group)],
    do=[goto("flood")],
)
NOT_EXPECTED = LINK_LOCAL.rule(
    "a BPDU, or the like, from {port}, where no switch is expected: dropped",
    match=[eq(IN_PORT, P.port)],
    do=drop(),
)
MRP_CARRIED = LINK_LOCAL.rule(
    "of MRP, which the switch does not speak: as every frame for a group",
    match=[MRP],
    do=[goto("flood")],
    priority=priorities.FALLBACK,
)


def for_end(end: LinkEnd) -> Iterator[Application]:
    if not end.expects_bpdus:
        yield NOT_EXPECTED(end.why, port=end.ofport)
        return
    for group in (BPDU, PVST_BPDU):
        yield CARRIED(end.why, port=end.ofport, group=group)


def for_groups(groups: SwitchGroups) -> Iterator[Application]:
    for protocol in LINK_PROTOCOLS:
        yield STOPPED(groups.why, protocol=protocol)


def for_mrp(switch: PassesMrp) -> Iterator[Application]:
    yield MRP_CARRIED(switch.why)


UNITS = {LinkEnd: for_end, SwitchGroups: for_groups, PassesMrp: for_mrp}
