"""Which connection of the receiver does this packet belong to?

What is for a port with security groups comes here, from this host or another. It is tracked in the zone of the
receiver, whatever the sender's host found out.
"""

from collections.abc import Iterator

from flows.openflow.actions import Ct, Move
from flows.openflow.fields import Bits
from flows.pipeline.judging import ASKED_PORT, IPV4
from flows.pipeline.page import RECEIVER_RULES, RECEIVER_TRACK
from flows.pipeline.registers import OUT_PORT
from flows.pipeline.rules import Application
from flows.units.groups import GroupedVpc

_PORT = Bits(OUT_PORT, 0, 16)

TRACK = RECEIVER_TRACK.rule(
    "for a port with security groups: tracked",
    match=[IPV4],
    do=[Move(_PORT, ASKED_PORT), Ct(zone=_PORT, table=RECEIVER_RULES.number)],
)


def for_vpc(vpc: GroupedVpc) -> Iterator[Application]:
    for rule in RECEIVER_TRACK.all_rules():
        yield rule(vpc.why)


UNITS = {GroupedVpc: for_vpc}
