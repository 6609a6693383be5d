"""Do the sender's security groups allow the connection?

Every packet of a connection is judged, not only the first: when a rule goes, whatever it alone allowed stops. A
connection that is new is remembered, if the port may have one more.
"""

from collections.abc import Iterator

from flows.pipeline import priorities
from flows.pipeline.judging import FORGET, IS_NEW
from flows.pipeline.page import SENDER_VERDICT
from flows.pipeline.registers import ALLOWED
from flows.pipeline.rules import Application
from flows.pipeline.stages import Stage
from flows.pipeline.templates import eq, goto, resubmit
from flows.units.groups import GroupedVpc

NEW = SENDER_VERDICT.rule(
    "allowed by the sender's groups, and new: remembered",
    match=IS_NEW,
    do=[resubmit("commit"), *FORGET, goto(Stage.ROUTING)],
)
KNOWN = SENDER_VERDICT.rule(
    "allowed by the sender's groups",
    match=[eq(ALLOWED, 1)],
    do=[*FORGET, goto(Stage.ROUTING)],
    priority=priorities.FALLBACK,
)


def for_vpc(vpc: GroupedVpc) -> Iterator[Application]:
    for rule in SENDER_VERDICT.all_rules():
        yield rule(vpc.why)


UNITS = {GroupedVpc: for_vpc}
