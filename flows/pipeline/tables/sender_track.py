"""Does the sender have security groups?

IPv4 that the gateway let through comes here, in VPCs that have a port with security groups on this host. What such a
port sends is tracked: connection tracking says which connection it belongs to. Each port has a zone of its own, with
its OpenFlow port number. Everything else goes on as if there were no groups.
"""

from collections.abc import Iterator

from flows.openflow.actions import Ct, Move
from flows.openflow.fields import IN_PORT
from flows.pipeline.judging import ASKED_PORT, IPV4
from flows.pipeline.page import SENDER_RULES, SENDER_TRACK
from flows.pipeline.registers import HAS_GROUPS
from flows.pipeline.rules import Application
from flows.pipeline.templates import eq
from flows.units.groups import GroupedVpc

TRACK = SENDER_TRACK.rule(
    "from a port with security groups: tracked",
    match=[eq(HAS_GROUPS, 1), IPV4],
    do=[Move(IN_PORT, ASKED_PORT), Ct(zone=IN_PORT, table=SENDER_RULES.number)],
)


def for_vpc(vpc: GroupedVpc) -> Iterator[Application]:
    yield TRACK(vpc.why)
    yield SENDER_TRACK.miss_rule(vpc.why)


UNITS = {GroupedVpc: for_vpc}
