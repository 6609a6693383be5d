"""Do the receiver's security groups allow the connection?

Every packet of a connection is judged, not only the first, as in sender_verdict.
"""

from collections.abc import Iterator

from flows.pipeline import priorities
from flows.pipeline.judging import FORGET, IS_NEW
from flows.pipeline.page import RECEIVER_VERDICT
from flows.pipeline.registers import ALLOWED
from flows.pipeline.rules import Application
from flows.pipeline.templates import eq, goto, resubmit
from flows.units.groups import GroupedVpc

NEW = RECEIVER_VERDICT.rule(
    "allowed by the receiver's groups, and new: remembered",
    match=IS_NEW,
    do=[resubmit("commit"), *FORGET, goto("deliver")],
)
KNOWN = RECEIVER_VERDICT.rule(
    "allowed by the receiver's groups",
    match=[eq(ALLOWED, 1)],
    do=[*FORGET, goto("deliver")],
    priority=priorities.FALLBACK,
)


def for_vpc(vpc: GroupedVpc) -> Iterator[Application]:
    for rule in RECEIVER_VERDICT.all_rules():
        yield rule(vpc.why)


UNITS = {GroupedVpc: for_vpc}
