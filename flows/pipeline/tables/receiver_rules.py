"""Who opened the connection that the receiver is spoken to in?

What is for ports with security groups comes here, tracked. If the sender opened the connection, the receiver's groups
are asked who may reach it; if the receiver did, whom it may reach. For answers, and ICMP errors, the address of the
other end as the first packet named it is put into the packet while the groups are asked. An ICMP error about answers
that left here belongs to a connection that was allowed: it passes.
"""

from collections.abc import Iterator

from flows.openflow.actions import Move
from flows.openflow.fields import CT_IP_DST, IP_DST
from flows.pipeline import priorities
from flows.pipeline.judging import ANSWERING, FORGET, NOT_A_CONNECTION, OPENING, TELLS_OF_ANSWERS
from flows.pipeline.page import RECEIVER_RULES
from flows.pipeline.registers import INBOUND, KEPT
from flows.pipeline.rules import Application
from flows.pipeline.templates import drop, goto, put, resubmit
from flows.units.groups import GroupedVpc

INVALID = RECEIVER_RULES.rule(
    "for a port with security groups, and neither of a connection nor one that may open one: dropped",
    match=NOT_A_CONNECTION,
    do=drop(),
    priority=priorities.GUARD,
)
ERROR = RECEIVER_RULES.rule(
    "an ICMP error about answers that the receiver sent: allowed",
    match=TELLS_OF_ANSWERS,
    do=[*FORGET, goto("deliver")],
    priority=priorities.EXCEPTION,
)
OPENED = RECEIVER_RULES.rule(
    "the sender opened the connection: the receiver's groups are asked who may reach it",
    match=OPENING,
    do=[put(INBOUND, 1), resubmit("own_groups"), goto("receiver_verdict")],
)
ANSWERED = RECEIVER_RULES.rule(
    "the receiver is answered: its groups are asked whom it may reach",
    match=ANSWERING,
    do=[
        Move(IP_DST, KEPT),
        Move(CT_IP_DST, IP_DST),
        resubmit("own_groups"),
        Move(KEPT, IP_DST),
        goto("receiver_verdict"),
    ],
)


def for_vpc(vpc: GroupedVpc) -> Iterator[Application]:
    for rule in RECEIVER_RULES.all_rules():
        yield rule(vpc.why)


UNITS = {GroupedVpc: for_vpc}
