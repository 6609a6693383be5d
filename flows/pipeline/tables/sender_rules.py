"""Who opened the connection that the sender speaks in?

What ports with security groups send comes here, tracked. If the sender opened the connection, its groups are asked who
may be reached; if somebody else did, who may reach it. Rules are about the connection as its first packet named it. So
for answers, and ICMP errors, the address of the other end is put into the packet while the groups are asked. An ICMP
error about answers that came here belongs to a connection that was allowed: it passes.
"""

from collections.abc import Iterator

from flows.openflow.actions import Move
from flows.openflow.fields import CT_IP_SRC, IP_SRC
from flows.pipeline import priorities
from flows.pipeline.judging import ANSWERING, FORGET, NOT_A_CONNECTION, OPENING, TELLS_OF_ANSWERS
from flows.pipeline.page import SENDER_RULES
from flows.pipeline.registers import INBOUND, KEPT
from flows.pipeline.rules import Application
from flows.pipeline.stages import Stage
from flows.pipeline.templates import drop, goto, put, resubmit
from flows.units.groups import GroupedVpc

INVALID = SENDER_RULES.rule(
    "from a port with security groups, and neither of a connection nor one that may open one: dropped",
    match=NOT_A_CONNECTION,
    do=drop(),
    priority=priorities.GUARD,
)
ERROR = SENDER_RULES.rule(
    "an ICMP error about answers that the sender got: allowed",
    match=TELLS_OF_ANSWERS,
    do=[*FORGET, goto(Stage.ROUTING)],
    priority=priorities.EXCEPTION,
)
OPENED = SENDER_RULES.rule(
    "the sender opened the connection: its groups are asked whom it may reach",
    match=OPENING,
    do=[resubmit("own_groups"), goto("sender_verdict")],
)
ANSWERED = SENDER_RULES.rule(
    "the sender answers: its groups are asked who may reach it",
    match=ANSWERING,
    do=[
        put(INBOUND, 1),
        Move(IP_SRC, KEPT),
        Move(CT_IP_SRC, IP_SRC),
        resubmit("own_groups"),
        Move(KEPT, IP_SRC),
        goto("sender_verdict"),
    ],
)


def for_vpc(vpc: GroupedVpc) -> Iterator[Application]:
    for rule in SENDER_RULES.all_rules():
        yield rule(vpc.why)


UNITS = {GroupedVpc: for_vpc}
